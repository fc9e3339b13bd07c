/** Pieces of the notations in which names and values are written. */

export const BLANKS = String.raw`(?:\s|%20|\\[nrt]|&nbsp;|&#(?:32|160);)*`

/** A quote, with the backslashes that JSON inside JSON puts in front, or written as a character of HTML or an address. */
export const QUOTE = String.raw`(?:\\*(?:["'\x60]|u0022|u0027)|&(?:amp;){0,3}(?:quot|apos|#0?3[49]|#x2[27]);|%(?:25){0,3}(?:22|27)|%5C%22)`

/** A pattern to be looked for at one place only. */
export const sticky = (source: string): RegExp => new RegExp(source, 'iy')

export function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at
  return pattern.exec(text) ?? undefined
}

const OPENING_QUOTE = sticky(QUOTE)
const GAP = sticky(BLANKS)

export const quoteAt = (text: string, at: number): string | undefined => matchAt(OPENING_QUOTE, text, at)?.[0]

export const afterBlanks = (text: string, at: number): number =>
  at + (matchAt(GAP, text, at)?.[0].length ?? 0)
