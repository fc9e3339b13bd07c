import { assertNever } from './errors.ts'
import type { YieldIfLong } from './yield-if-long.ts'

/** What a piece of text did to the JSON value that is being scanned. Places are UTF-16 code units of that piece. */
export type Scanned =
  /** The value goes on in the next piece. */
  | { readonly is: 'open' }
  /** The value is whole; `end` is the place after its last character. */
  | { readonly is: 'whole'; readonly end: number }
  /** No JSON value goes on with the character at `at`. */
  | { readonly is: 'wrong'; readonly at: number }

/** Reads one JSON value piece by piece and says where it ends, or where it stops being JSON. */
export interface JsonScanner {
  scan(piece: string, from?: number): Scanned
}

/** Deeper JSON is not followed: no log, and no page of logs, comes near it. */
const MAX_DEPTH = 64

const SPACE = /[ \t\r\n]/
const DIGIT = /[0-9]/
const HEX = /[0-9a-fA-F]/
const ESCAPED = /["\\/bfnrtu]/
/** The run of a string that needs no closer look: all but quotes, backslashes and control characters. */
const PLAIN = /[^"\\\u0000-\u001f]*/y // oxlint-disable-line no-control-regex -- JSON forbids them inside strings

type State =
  | 'value'
  | 'first element'
  | 'first key'
  | 'key'
  | 'colon'
  | 'after value'
  | 'string'
  | 'escape'
  | 'hex'
  | 'literal'
  | 'number'

type NumberState =
  | 'minus'
  | 'zero'
  | 'integer'
  | 'point'
  | 'fraction'
  | 'exponent'
  | 'exponent sign'
  | 'exponent digits'

/** What a number may go on with. */
const NUMBER: Readonly<Record<NumberState, readonly (readonly [RegExp, NumberState])[]>> = {
  minus: [
    [/0/, 'zero'],
    [/[1-9]/, 'integer'],
  ],
  zero: [
    [/\./, 'point'],
    [/[eE]/, 'exponent'],
  ],
  integer: [
    [DIGIT, 'integer'],
    [/\./, 'point'],
    [/[eE]/, 'exponent'],
  ],
  point: [[DIGIT, 'fraction']],
  fraction: [
    [DIGIT, 'fraction'],
    [/[eE]/, 'exponent'],
  ],
  exponent: [
    [/[+-]/, 'exponent sign'],
    [DIGIT, 'exponent digits'],
  ],
  'exponent sign': [[DIGIT, 'exponent digits']],
  'exponent digits': [[DIGIT, 'exponent digits']],
}
const MAY_END: ReadonlySet<NumberState> = new Set(['zero', 'integer', 'fraction', 'exponent digits'])

/** A scanner of one value. `JSON.parse` is faster where it succeeds; where it fails, it names no place on every Node. */
export function createJsonScanner(): JsonScanner {
  /** The closing brackets that are due, the innermost last. */
  const closing: ('}' | ']')[] = []
  let state: State = 'value'
  let number: NumberState = 'minus'
  let isKey = false
  let left = ''
  let hexLeft = 0

  const endValue = () => {
    state = 'after value'
    return closing.length === 0
  }

  /** @returns whether the character may stand there; `ended` where it completes the outermost value */
  function step(char: string): boolean | 'ended' {
    switch (state) {
      case 'value':
      case 'first element':
        if (SPACE.test(char)) return true
        if (char === ']' && state === 'first element') return close(char)
        return begin(char)
      case 'first key':
      case 'key':
        if (SPACE.test(char)) return true
        if (char === '}' && state === 'first key') return close(char)
        if (char !== '"') return false
        isKey = true
        state = 'string'
        return true
      case 'colon':
        if (SPACE.test(char)) return true
        if (char !== ':') return false
        state = 'value'
        return true
      case 'after value':
        if (SPACE.test(char)) return true
        if (char !== ',' || closing.length === 0) return close(char)
        state = closing.at(-1) === '}' ? 'key' : 'value'
        return true
      case 'string':
        if (char === '\\') state = 'escape'
        else if (char !== '"') return char >= ' '
        else if (isKey) state = 'colon'
        else if (endValue()) return 'ended'
        return true
      case 'escape':
        if (!ESCAPED.test(char)) return false
        state = char === 'u' ? 'hex' : 'string'
        hexLeft = 4
        return true
      case 'hex':
        if (!HEX.test(char)) return false
        if ((hexLeft -= 1) === 0) state = 'string'
        return true
      case 'literal':
        if (char !== left[0]) return false
        left = left.slice(1)
        return left === '' && endValue() ? 'ended' : true
      case 'number':
        return goOnWithNumber(char)
      default:
        return assertNever(state)
    }
  }

  function goOnWithNumber(char: string): boolean | 'ended' {
    const next = NUMBER[number].find(([pattern]) => pattern.test(char))
    if (next) {
      number = next[1]
      return true
    }
    if (!MAY_END.has(number)) return false
    endValue()
    return step(char)
  }

  function begin(char: string): boolean {
    isKey = false
    if (char === '{' || char === '[') {
      closing.push(char === '{' ? '}' : ']')
      state = char === '{' ? 'first key' : 'first element'
      return closing.length <= MAX_DEPTH
    }
    if (char === '"') state = 'string'
    else if (char === '-' || DIGIT.test(char)) {
      state = 'number'
      number = char === '-' ? 'minus' : char === '0' ? 'zero' : 'integer'
    } else {
      left = ['true', 'false', 'null'].find((word) => word.startsWith(char))?.slice(1) ?? ''
      state = 'literal'
      return left !== ''
    }
    return true
  }

  function close(char: string): boolean | 'ended' {
    if (closing.at(-1) !== char) return false
    closing.pop()
    return endValue() ? 'ended' : true
  }

  return {
    scan: (piece, from = 0) => {
      for (let at = from; at < piece.length; at += 1) {
        if (state === 'string') {
          PLAIN.lastIndex = at
          at += PLAIN.exec(piece)?.[0].length ?? 0
          if (at === piece.length) break
        }
        const isTopNumber = closing.length === 0 && state === 'number'
        const taken = step(piece[at] ?? '')
        if (taken === 'ended') return { is: 'whole', end: at + 1 }
        // A number has no last character of its own: whatever comes after it ends it.
        if (isTopNumber && state === 'after value') return { is: 'whole', end: at }
        if (!taken) return { is: 'wrong', at }
      }
      return { is: 'open' }
    },
  }
}

/** What came in the place of JSON, for a text that `JSON.parse` refused. Nothing of the text itself is repeated. */
export function jsonFault(text: string, from = 0): string {
  return faultAt(text, createJsonScanner().scan(`${text}\n`, from), 0)
}

/** How much is scanned at once, in characters. */
const PIECE_LENGTH = 65_536

/** As {@link jsonFault}, in pieces between which other work has its turn. */
export async function jsonFaultInTurns(text: string, yieldIfLong: YieldIfLong): Promise<string> {
  const scanner = createJsonScanner()
  for (let start = 0; start < text.length; start += PIECE_LENGTH) {
    await yieldIfLong()
    const scanned = scanner.scan(text.slice(start, start + PIECE_LENGTH))
    if (scanned.is !== 'open') return faultAt(text, scanned, start)
  }
  return faultAt(text, scanner.scan('\n'), text.length)
}

/** @param start where the piece begins that was scanned last */
function faultAt(text: string, scanned: Scanned, start: number): string {
  const at =
    scanned.is === 'wrong'
      ? start + scanned.at
      : scanned.is === 'whole'
        ? afterSpace(text, start + scanned.end)
        : text.length
  return at >= text.length ? 'only its beginning' : `something else at ${placeIn(text, at)}`
}

function afterSpace(text: string, from: number): number {
  const other = /[^ \t\r\n]/g
  other.lastIndex = from
  return other.exec(text)?.index ?? text.length
}

const NEWLINE = 0x0a

function placeIn(text: string, at: number): string {
  let line = 1
  for (let before = 0; before < at; before += 1) if (text.charCodeAt(before) === NEWLINE) line += 1
  const column = at - text.lastIndexOf('\n', at - 1)
  return text.includes('\n')
    ? `line ${line}, column ${at === 0 ? 1 : column}`
    : `column ${at === 0 ? 1 : column}`
}
