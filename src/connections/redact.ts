import { cut } from '../kernel/errors.ts'
import { redactNamed } from './named-secrets.ts'
import { MAY_HOLD_NAME } from './secret-names.ts'
import { MAY_HOLD_SHAPE, REDACTED, redactShapes } from './token-shapes.ts'

/** Longest `error.rawResponse` that is kept, in characters. */
export const RAW_RESPONSE_LENGTH = 2_000

/** How much of a text is looked at, in characters: less of it is kept, and it takes up to a microsecond for each character. */
const READ_LENGTH = 16_384
const LONGEST_TOKEN = 8_192

/** A text without any of these holds no secret: most hold none, and need not be searched further. */
const MAY_HOLD_SECRET = new RegExp(`${MAY_HOLD_NAME}|${MAY_HOLD_SHAPE}`, 'i')

const MAX_PASSES = 4

/** The text with everything that looks like a token or a secret replaced by `[redacted]`; doing so again changes nothing. */
export function redactText(text: string): string {
  return MAY_HOLD_SECRET.test(text) ? redactEach(text) : text
}

/**
 * {@link redactText} without a look before it. What one pass leaves can look different to the next, so passes are made
 * until one changes nothing. A text that was made to change each time is redacted as a whole.
 */
export function redactEach(text: string): string {
  let before = text
  for (let pass = 0; pass < MAX_PASSES; pass += 1) {
    const after = redactShapes(redactNamed(before))
    if (after === before) return after
    before = after
  }
  return REDACTED
}

/**
 * A text as it is kept, of at most so many characters: first redacted, then cut, so that no part of a token survives at
 * the cut. Doing so again changes nothing.
 */
export function redactUpTo(text: string, length: number): string {
  let kept = cut(redactText(readable(text)), length)
  for (let pass = 0; pass < MAX_PASSES; pass += 1) {
    const again = cut(redactText(kept), length)
    if (again === kept) return kept
    kept = again
  }
  return REDACTED.slice(0, length)
}

/** A raw response as it is kept. */
export const redactRawResponse = (text: string): string => redactUpTo(text, RAW_RESPONSE_LENGTH)

const readable = (text: string): string =>
  text.length <= READ_LENGTH ? text : withoutLastWord(cut(text, READ_LENGTH))

/** A token may have been cut in two. A text without spaces loses no more than the longest token may have. */
function withoutLastWord(text: string): string {
  const earliest = text.length - LONGEST_TOKEN
  let end = text.length
  while (end > earliest && !/[\s"'&,;<>{}]/.test(text.charAt(end - 1))) end -= 1
  return cut(text, end)
}
