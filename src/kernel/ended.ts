/** A reason to abort with when something is over. One for all: to make one with its stack is most of what aborting costs. */
export const ENDED = new DOMException('It is over', 'AbortError')
