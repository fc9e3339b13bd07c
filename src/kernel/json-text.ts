import { AppError } from './errors.ts'
import { jsonFaultInTurns } from './json-scanner.ts'
import { endOfString, parseJson } from './parse-json.ts'
import type { YieldIfLong } from './yield-if-long.ts'

export interface JsonLimits {
  /** The deepest nesting of brackets. Code that walks the value has enough stack for it. */
  readonly maxDepth: number
  /** Values of all sorts; each is looked at several times. */
  readonly maxValues: number
}

export interface JsonTextOptions extends JsonLimits {
  /** The name of the text in error messages, such as `the body`. */
  readonly what: string
  readonly yieldIfLong: YieldIfLong
  /** How much of it is parsed at once, in characters. */
  readonly pieceLength?: number
}

/** A piece that holds nothing but short values takes some milliseconds. */
const PIECE_LENGTH = 16_384

/**
 * Parses JSON of any length as `parseJson` does, in pieces between which other work has its turn.
 * @throws {AppError} BAD_USER_INPUT for what is no JSON or beyond the limits
 */
export async function readJsonText(text: string, options: JsonTextOptions): Promise<unknown> {
  const { what, yieldIfLong, pieceLength = PIECE_LENGTH } = options
  await requireShape(text, options)
  try {
    return await parseJsonInPieces(text, yieldIfLong, pieceLength)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const fault = await jsonFaultInTurns(text, yieldIfLong)
    throw new AppError('BAD_USER_INPUT', `Expected ${what} to be JSON, got ${fault}.`)
  }
}

/** How many brackets stand inside each other at most. Of what is no JSON the answer means nothing. */
export function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at) - 1
    else if (code === BRACE_L || code === BRACKET_L) deepest = Math.max(deepest, (depth += 1))
    else if (code === BRACE_R || code === BRACKET_R) depth -= 1
  }
  return deepest
}

async function requireShape(text: string, options: JsonTextOptions): Promise<void> {
  const { what, maxDepth, maxValues, yieldIfLong, pieceLength = PIECE_LENGTH } = options
  let depth = 0
  let values = 1
  let yieldAt = pieceLength
  for (let at = 0; at < text.length; at += 1) {
    if (at >= yieldAt) {
      await yieldIfLong()
      yieldAt = at + pieceLength
    }
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at) - 1
    else if (code === COMMA) values += 1
    else if (code === BRACE_L || code === BRACKET_L) {
      values += 1
      depth += 1
      if (depth > maxDepth)
        throw new AppError(
          'BAD_USER_INPUT',
          `Expected ${what} to be JSON nested at most ${maxDepth} deep, got deeper JSON.`,
        )
    } else if (code === BRACE_R || code === BRACKET_R) depth -= 1
  }
  if (values > maxValues)
    throw new AppError(
      'BAD_USER_INPUT',
      `Expected ${what} to be JSON with at most ${maxValues} values, got ${values}.`,
    )
}

const [QUOTE, COMMA, BRACKET_L, BRACE_L, BRACKET_R, BRACE_R] = [0x22, 0x2c, 0x5b, 0x7b, 0x5d, 0x7d] as const

/** A list or an object whose end has not been reached. */
interface Open {
  readonly isList: boolean
  /** Where it begins. */
  readonly at: number
  /** Behind all that is in `value`. */
  from: number
  /** Behind the last comma, where there is one behind `from`. */
  memberAt: number
  /** The parsed part; undefined while it is still part of the text of the value around it. */
  value: unknown[] | Record<string, unknown> | undefined
  /** Whether a comma or the end has to come next. */
  isAfterValue: boolean
  /** Where the value goes that is being parsed. */
  key: string | undefined
}

/**
 * As `parseJson`, in pieces between which other work has its turn.
 * @throws {SyntaxError} for what is no JSON, though not always the one of `JSON.parse`
 */
export async function parseJsonInPieces(
  text: string,
  yieldIfLong: YieldIfLong,
  pieceLength = PIECE_LENGTH,
): Promise<unknown> {
  if (text.length <= pieceLength) return parseJson(text)
  const open: Open[] = []
  let root: Open | undefined
  /** Behind all that has been parsed. */
  let parsedTo = 0

  /** Parses the members of a list or an object up to `end`, of which there must be some. */
  function take(one: Open, end: number): void {
    if (one.value === undefined) throw new TypeError('members need something to be put into')
    const members = text.slice(one.from, end)
    if (one.isAfterValue) requireBlank(members)
    else if (one.isList) append(one.value as unknown[], parseJson(`[${members}]`))
    else assign(one.value as Record<string, unknown>, parseJson(`{${members}}`))
    one.from = one.memberAt = end + 1
    one.isAfterValue = false
    parsedTo = end + 1
  }

  /** Gives all that is open a value of its own, and parses what stands before its member that is open. */
  function begin(): void {
    for (const [index, one] of open.entries()) {
      one.value ??= one.isList ? [] : {}
      const inner = open[index + 1]
      if (!inner || inner.value) continue
      if (one.memberAt > one.from) take(one, one.memberAt - 1)
      const before = text.slice(one.from, inner.at)
      if (one.isList) requireBlank(before)
      else one.key = Object.keys(parseJson(`{${before}0}`) as object)[0]
    }
  }

  function close(one: Open, end: number): void {
    if (!one.value) return
    const isEmpty = text.slice(one.from, end).trim() === ''
    // Nothing may stand between a comma and the end.
    if (!isEmpty || one.isAfterValue) take(one, end)
    else throw new SyntaxError('a member is missing')
    const around = open.at(-1)
    if (!around?.value) return
    if (around.isList) (around.value as unknown[]).push(one.value)
    else define(around.value as Record<string, unknown>, around.key ?? '', one.value)
    around.from = around.memberAt = end + 1
    around.isAfterValue = true
    parsedTo = end + 1
  }

  let yieldAt = pieceLength
  for (let at = 0; at < text.length; at += 1) {
    if (at >= yieldAt) {
      await yieldIfLong()
      yieldAt = at + pieceLength
    }
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at) - 1
    else if (code === BRACE_L || code === BRACKET_L) {
      if (root && open.length === 0) throw new SyntaxError('something comes after the value')
      const isList = code === BRACKET_L
      const from = at + 1
      open.push({ isList, at, from, memberAt: from, value: undefined, isAfterValue: false, key: undefined })
      root ??= open[0]
    } else if (code === COMMA) {
      const inside = open.at(-1)
      if (!inside) throw new SyntaxError('a comma stands outside')
      if (inside.value && inside.isAfterValue) take(inside, at)
      inside.memberAt = at + 1
      if (at - parsedTo <= pieceLength) continue
      await yieldIfLong()
      begin()
      take(inside, at)
    } else if (code === BRACE_R || code === BRACKET_R) {
      const one = open.pop()
      if (!one || one.isList !== (code === BRACKET_R)) throw new SyntaxError('a bracket closes nothing')
      close(one, at)
    }
  }
  if (!root?.value) return parseJson(text)
  if (open.length > 0) throw new SyntaxError('only its beginning came')
  requireBlank(text.slice(0, root.at))
  requireBlank(text.slice(root.from))
  return root.value
}

/** JSON's own blanks. */
function requireBlank(text: string): void {
  if (/[^ \t\r\n]/.test(text)) throw new SyntaxError('something stands where nothing may')
}

function append(list: unknown[], values: unknown): void {
  if (!Array.isArray(values) || values.length === 0) throw new SyntaxError('a member is missing')
  for (const value of values) list.push(value)
}

function assign(object: Record<string, unknown>, members: unknown): void {
  const entries = Object.entries(members as object)
  if (entries.length === 0) throw new SyntaxError('a member is missing')
  for (const [key, value] of entries) define(object, key, value)
}

/** Not always by assignment, which a key such as `__proto__` might take for something else. */
function define(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}
