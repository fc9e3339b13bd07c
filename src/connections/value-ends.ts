/** Where values end that open with a quote or a bracket. */

/** A value in a text. */
export interface Found {
  readonly from: number
  readonly to: number
}

/**
 * The place of the quote that closes a value, or the end of the text.
 * @param quote as it was opened: `"`, `\"` inside another JSON text, `\\\"` one deeper, `&quot;`, `%22`
 */
export function endOfQuoted(text: string, from: number, quote: string): number {
  const sign = quote.at(-1) ?? ''
  const isPlain = sign === '"' || sign === "'" || sign === '`'
  if (!isPlain) {
    const close = text.indexOf(quote, from)
    return close === -1 ? text.length : close
  }
  const level = quote.length - 1
  for (let at = text.indexOf(sign, from); at !== -1; at = text.indexOf(sign, at + 1)) {
    const backslashes = backslashesBefore(text, at, from)
    // More of them stand before a quote inside of the value, fewer before one that ends what is around it.
    if (backslashes < level || backslashes % (2 * (level + 1)) === level)
      return at - Math.min(backslashes, level)
  }
  return text.length
}

function backslashesBefore(text: string, at: number, from: number): number {
  let start = at
  while (start > from && text.charAt(start - 1) === '\\') start -= 1
  return at - start
}

const CLOSING: Readonly<Record<string, string>> = { '[': ']', '{': '}', '(': ')' }

/** The place behind the bracket that closes the one at `at`, brackets inside of texts not counting; or the end of the text. */
export function endOfBracket(text: string, at: number): number {
  const open: string[] = []
  for (let place = at; place < text.length; place += 1) {
    const sign = text.charAt(place)
    if (sign === '"' || sign === '`' || (sign === "'" && !/\w/.test(text.charAt(place - 1)))) {
      const quote = `${'\\'.repeat(backslashesBefore(text, place, at))}${sign}`
      place = endOfQuoted(text, place + 1, quote) + quote.length - 1
    } else if (CLOSING[sign] !== undefined) open.push(CLOSING[sign])
    else if (sign === open.at(-1)) {
      open.pop()
      if (open.length === 0) return place + 1
    }
  }
  return text.length
}
