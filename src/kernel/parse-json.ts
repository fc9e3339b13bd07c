import { randomBytes } from 'node:crypto'

/**
 * A number in JSON that a JavaScript number would change: an integer beyond ±9007199254740991, or one with more digits
 * than a double keeps. It keeps its digits. Nothing that connlog stores may hold one, so whoever checks a value rejects it.
 */
export class UnsafeNumber {
  /** Enumerable on purpose: a check of an object's fields has to find it, and must not take this for `{}`. */
  readonly digits: string

  constructor(digits: string) {
    this.digits = digits
  }

  /** Sentences about bad input show it so, those of GraphQL too. */
  toJSON(): string {
    return this.digits
  }
}

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** Where a number begins in JSON. Up to 15 digits without an exponent, a double keeps all of them. */
const MAY_BE_UNSAFE = /(?:^|[[:,\s])-?\d(?:[\d.]{15}|[\d.]*[eE])/
const TOKENS = /-?\d[\d.eE+-]*/g

/**
 * `JSON.parse` for text that somebody sent, with an {@link UnsafeNumber} in the place of each number that would not keep
 * its digits.
 * @throws {SyntaxError} what `JSON.parse` throws
 */
export function parseJson(text: string): unknown {
  if (!MAY_BE_UNSAFE.test(text)) return JSON.parse(text)
  // Nobody can know it beforehand, so no text holds it by chance or by intent.
  const mark = randomBytes(9).toString('base64url')
  const marked = outsideOfStrings(text, (part) =>
    part.replace(TOKENS, (token) =>
      JSON_NUMBER.test(token) && !isSafe(token) ? `["${mark}","${token}"]` : token,
    ),
  )
  if (marked === text) return JSON.parse(text)
  let value: unknown
  try {
    value = JSON.parse(marked)
  } catch {
    // So that the error speaks of the text that was sent.
    return JSON.parse(text)
  }
  return unmarked(value, mark)
}

/** The number that a token of JSON or GraphQL stands for, if it keeps its digits. */
export const parseNumber = (token: string): number | UnsafeNumber =>
  isSafe(token) ? Number(token) : new UnsafeNumber(token)

function isSafe(token: string): boolean {
  const value = Number(token)
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER && normalized(token) === normalized(String(value))
}

/** The digits of a number and its power of ten, without its sign: the same for every notation of it. */
function normalized(token: string): string {
  const [mantissa = '', exponent = '0'] = token.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.')
  const digits = (whole + fraction).replace(/^0+/, '')
  let length = digits.length
  while (length > 0 && digits[length - 1] === '0') length -= 1
  if (length === 0) return '0'
  return `${digits.slice(0, length)}e${Number(exponent) - fraction.length + digits.length - length}`
}

/** The text with what stands outside of strings changed, where it may hold an unsafe number. */
function outsideOfStrings(text: string, change: (part: string) => string): string {
  let result = ''
  for (let at = 0; at < text.length;) {
    const quote = text.indexOf('"', at)
    const begin = quote === -1 ? text.length : quote
    const part = text.slice(at, begin)
    result += MAY_BE_UNSAFE.test(part) ? change(part) : part
    at = endOfString(text, begin)
    result += text.slice(begin, at)
  }
  return result
}

/** The place behind the quote that closes the string that begins at `begin`, or the end of the text. */
export function endOfString(text: string, begin: number): number {
  for (let end = text.indexOf('"', begin + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text[end - 1 - backslashes] === '\\') backslashes += 1
    if (backslashes % 2 === 0) return end + 1
  }
  return text.length
}

/** Without recursion: JSON may be deeper than the stack. */
function unmarked(value: unknown, mark: string): unknown {
  const root = [value]
  const left: object[] = [root]
  const replacement = (inner: unknown): UnsafeNumber | undefined => {
    if (typeof inner !== 'object' || inner === null) return undefined
    if (Array.isArray(inner) && inner[0] === mark) return new UnsafeNumber(String(inner[1]))
    left.push(inner)
    return undefined
  }
  for (let holder = left.pop(); holder; holder = left.pop()) {
    if (Array.isArray(holder)) {
      for (let index = 0; index < holder.length; index += 1) {
        const unsafe = replacement(holder[index])
        if (unsafe) holder[index] = unsafe
      }
    } else {
      for (const key of Object.keys(holder)) {
        const unsafe = replacement(Reflect.get(holder, key))
        // Not by assignment, which a key such as `__proto__` might take for something else.
        if (unsafe) Reflect.defineProperty(holder, key, { value: unsafe })
      }
    }
  }
  return root[0]
}
