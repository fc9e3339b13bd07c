/**
 * Whether a piece of text is a word that people and platforms write, or something random: a token, a key, a password.
 * A guess, for places where neither the notation nor the name of a field decides it.
 */

/** `expired`, `RATE`, `OAuthException`, `accessDenied`, `LinkedIn`: lower case comes in runs, as random letters do not. */
const WORD =
  /^(?:[a-z]+|[A-Z]+|(?:[A-Z]{1,4}[a-z]{2,})+(?:[A-Z]{1,4}[a-z]?)?|[a-z]{2,}(?:[A-Z]{1,4}[a-z]{2,})*(?:[A-Z]{1,4}[a-z]?)?)$/
const LONGEST_WORD = 32

const isWord = (part: string) => part.length <= LONGEST_WORD && WORD.test(part)

/** The runs of letters and digits in a text. */
const partsOf = (text: string) => text.split(/[^A-Za-z0-9]+/).filter((part) => part !== '')

/** Numbers that stand in sentences: with a unit, dates, times, versions, addresses of machines. */
const FIGURE =
  /^(?:\d{1,6}(?:[.,]\d{1,6})?[a-z%]{0,3}|\d{4}-\d\d-\d\d(?:[T ][\d:.,Z+-]{0,24})?|\d{1,2}[-/](?:\d{1,2}|[A-Z][a-z]{2})[-/]\d{2,4}|\d{1,2}:\d\d(?::\d\d)?|v?\d{1,5}(?:\.\d{1,5}){1,3}(?::\d{1,5})?)$/i
const ADDRESS = /^(?:https?|wss?|at|urn):\/?\//i

/** What is longer without a blank is no word. It also bounds the time that a guess takes. */
const LONGEST_GUESS = 256

/** A value that is random or has a digit, and is no figure of a sentence. Signs around it do not matter. */
export function isTokenLike(text: string): boolean {
  if (text.length > LONGEST_GUESS) return true
  const core = text.replace(/^[^A-Za-z0-9]{1,9}/, '')
  if (ADDRESS.test(core)) return false
  const trimmed = withoutEndingSigns(core)
  if (/^\d+$/.test(trimmed)) return isLongNumber(trimmed)
  if (FIGURE.test(trimmed)) return false
  return /\d/.test(trimmed) || (trimmed.length >= 8 && !partsOf(trimmed).every(isWord))
}

/** Codes of errors have up to four digits, and ids of platforms 15 and more; secrets are of neither length. */
const isLongNumber = (digits: string) => digits.length > 4 && digits.length < 15

export function withoutEndingSigns(text: string): string {
  let end = text.length
  while (end > 0 && /[).:!?*]/.test(text.charAt(end - 1))) end -= 1
  return text.slice(0, end)
}

/** Random beyond doubt: long, of letters and digits. */
export const isLongToken = (text: string): boolean =>
  text.length >= 16 && /\d/.test(text) && /[A-Za-z]/.test(text) && isTokenLike(text)

const hasAll = (text: string, ...classes: readonly RegExp[]) => classes.every((one) => one.test(text))
/** Of digits and of letters in both cases. */
export const isMixed = (text: string): boolean => hasAll(text, /\d/, /[a-z]/, /[A-Z]/)

/** What a field says of a secret in its place, whatever words come with it: `invalid_grant`, `This field is required`. */
const STATES = new Set(
  (
    'expired expires invalid required missing revoked denied malformed unknown mismatch mismatched incorrect wrong rejected ' +
    'undefined unset failed failure blank empty absent unauthorized forbidden unavailable unsupported unrecognized disabled ' +
    'blocked hidden masked filtered omitted removed insufficient'
  ).split(' '),
)
/** Words that say so only where they stand alone. */
const LONE_STATES = new Set(
  (
    'null nil none true false yes no ok set valid error bad present given provided optional enabled short weak stale ' +
    'bearer basic string text number object array unspecified confidential private public plain post get not is was has'
  ).split(' '),
)

/** Whether a value is no secret but tells what is the matter with it. */
export function isState(value: string): boolean {
  if (value.length > 80) return false
  if (!/[A-Za-z0-9]/.test(value)) return !/[^\s*.•…-]/.test(value)
  if (/\d/.test(value)) return false
  const parts = partsOf(value).map((part) => part.toLowerCase())
  return parts.length === 1
    ? STATES.has(parts[0] ?? '') || LONE_STATES.has(parts[0] ?? '')
    : parts.some((part) => STATES.has(part))
}

/** `ERR429`, `P2021`, `http2`: parts of error codes. */
const CODE_PART = /^(?:\d{1,6}|[A-Z]{1,6}\d{1,6}|[a-z]{2,}\d{1,3})$/

/** The code of an OAuth callback, and not that of an error: `190`, `OAuthException`, `auth/invalid-credential`. */
export function isAuthorizationCode(value: string): boolean {
  const text = value.slice(0, LONGEST_GUESS).replaceAll(/%[0-9a-f]{2}/gi, '/')
  if (text.length < 8 || /\s/.test(text) || /^\d+$/.test(text)) return false
  return value.length > LONGEST_GUESS || !partsOf(text).every((part) => isWord(part) || CODE_PART.test(part))
}

const LONGEST_PLAIN = 40
/** Paths of fields and names of types may be longer. */
const PATH =
  /^\$?[A-Za-z_]\w{0,60}(?:\.[A-Za-z_]\w{0,60}|\[\d{1,4}\]){0,6}$|^\[{0,2}[A-Z]\w{0,60}(?:!?\]){0,2}!?$/
/** Ids as products have them: of digits, ObjectIds, UUIDs. */
const ID = /^(?:\d{1,20}|[0-9a-f]{24,26}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i
/** How keys and credentials begin; an app of Facebook has its secret behind a `|`. */
const SECRET_START =
  /^(?:[Bb]earer|[Bb]asic|[Dd]igest) |(?<![A-Za-z0-9])(?:clk_|EAA|THAA|IGQ|IGA|ya29\.|AIza|GOCSPX|eyJ|AKIA|gh[opusr]_|xox[a-z]-|[srp]k_(?:live|test)|pin[acr][_.]|(?:act|rft|clt)\.|[14]\/\/?0)|\|/

/**
 * Whether a text may be repeated to whoever sent it, and so end in a log: short, of words, ids and numbers. Passwords
 * can look like words; fields that hold them are known by name.
 */
export function isPlain(text: string): boolean {
  if (ID.test(text)) return true
  if (text.length > LONGEST_PLAIN && !PATH.test(text)) return false
  if (/[=&"{}]|:\/\/.*[?#@]/s.test(text) || SECRET_START.test(text)) return false
  return partsOf(text).every(isPlainPart)
}

function isPlainPart(part: string): boolean {
  if (!/\d/.test(part)) return isWord(part) || part.length < 8
  if (/^\d+$/.test(part)) return part.length <= 20
  return part.length < 16 && !(isMixed(part) && part.length >= 10)
}
