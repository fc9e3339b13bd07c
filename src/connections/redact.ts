import { cut } from '../kernel/errors.ts'
import type { JsonValue } from '../kernel/json.ts'

/** Longest `error.rawResponse` that is kept, in characters. */
export const RAW_RESPONSE_LENGTH = 2_000

/** How much of a raw response is looked at, in characters: no more of it can be kept, and megabytes would take long. */
const READ_LENGTH = 65_536

const REDACTED = '[redacted]'

/** How the names of secrets end, in whatever notation: `access_token`, `userAccessToken`, `x-api-key`, `app_password`. */
const SECRET_ENDING =
  'token|secret|password|passwd|passphrase|api[_-]?key|code[_-]?verifier|oauth[_-]?verifier|oauth[_-]?signature|assertion|signed[_-]?request|appsecret_proof'
const NAME = String.raw`[\w-]{0,40}(?:${SECRET_ENDING})`

const SEPARATOR = String.raw`((?:\\{0,31}["'])?\s{0,9}[:=]\s{0,9}(?:\\{0,31}["'])?)`
/** What has a digit or is long is no word of a sentence: "Basic Display", "access_token: expired" stay. */
const TOKEN_LIKE = String.raw`(?=[^\s,;"'\\]{0,63}\d|[^\s,;"'\\]{24})`

/** `Authorization: Token …`, as a header line and as a field: the scheme and what follows it. */
const AUTHORIZATION = new RegExp(
  String.raw`((?:proxy-)?authorization)${SEPARATOR}(?:[a-z]{1,20}\s{1,9})?${TOKEN_LIKE}[^\s,;"'\\]+`,
  'gi',
)
/** `Cookie: a=b; c=d`, up to the end of the line or field. */
const COOKIE = new RegExp(String.raw`((?:set-)?cookie)${SEPARATOR}[^\s="'\\]{1,80}=[^\r\n"'\\]*`, 'gi')
/** A scheme with its credentials, wherever it stands. */
const CREDENTIALS = new RegExp(String.raw`\b(Bearer|Basic)(\s+|%20|\+)${TOKEN_LIKE}[\w.~+/%-]{6,}=*`, 'gi')
/** `"access_token": "…"`, also escaped inside another JSON text; a quote inside the value is escaped once more. */
const QUOTED_SECRET = new RegExp(
  String.raw`((\\{0,31}["'])${NAME}\2\s{0,9}[:=]\s{0,9})(\\{0,31}["'])(?:(?!\3)(?:\\[\s\S]|[\s\S]))*`,
  'gi',
)
/** `client_secret=…`, as in addresses and forms. */
const ASSIGNED_SECRET = new RegExp(
  String.raw`(${NAME}\s{0,9}(?:=|%3D)\s{0,9})(?:(\\{0,31}["'])(?:(?!\2)[\s\S])*|(?!\[redacted\])[^\s&,;<>}\]"'\\]+)`,
  'gi',
)
/** `access_token: …` and `X-Api-Key: …`, where what follows is no word of a sentence. */
const STATED_SECRET = new RegExp(String.raw`(${NAME}\s{0,9}:\s{0,9})${TOKEN_LIKE}[^\s&,;<>}\]"'\\]+`, 'gi')
/** `%22access_token%22%3A%22…`, JSON inside an address. */
const ENCODED_SECRET = new RegExp(String.raw`(%22${NAME}%22%3A(?:%20)?%22)[^%&\s]+`, 'gi')
/** The code of an OAuth callback, which can be changed for a token; error codes are words or short numbers. */
const AUTHORIZATION_CODE = /((?:[?&]|%3F|%26)code(?:=|%3D))(?=[^\s&#"'\\]{0,63}[\dA-Z])[^\s&#"'\\]{8,}/g
/** The token of a Telegram bot, which stands in the path of every request to it. */
const TELEGRAM_TOKEN = /\d{6,12}(?::|%3A)[\w-]{30,}/gi
/** Tokens that platforms show in their own sentences: Facebook, Instagram, LinkedIn, Google, TikTok, Pinterest. */
const PLATFORM_TOKEN =
  /\b(?:EAA[A-Za-z0-9]{16,}|IG[A-Z]{2}[\w-]{30,}|AQ[A-Z][\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}|AIza[\w-]{30,}|act\.[\w!.-]{20,}|pin[ac]_[\w-]{20,})/g
/**
 * JSON Web Tokens, and what begins like one: a run that no dot follows is matched too, and kept, because looking for
 * tokens inside of it again would take time that grows with its square.
 */
const WEB_TOKEN = /\beyJ[\w-]{8,}(\.[\w-]{4,}(?:\.[\w-]*)?)?/g
/** The keys of this service. */
const OWN_KEY = /\bclk_[0-9A-Za-z]+_[0-9A-Za-z]+/g
const SECRET_KEY = new RegExp(`(?:${SECRET_ENDING}|authorization|cookie)$`, 'i')

/**
 * What a text has to hold for any of the patterns above to match: a literal part of each. Most texts hold none of them,
 * and need not be searched a dozen times.
 */
const MAY_HOLD_SECRET = new RegExp(
  String.raw`${SECRET_ENDING}|authorization|cookie|bearer|basic|code|\d{6}|EAA|IG[A-Z]{2}|AQ[A-Z]|ya29\.|GOCSPX-|AIza|act\.|pin[ac]_|eyJ|clk_`,
  'i',
)

/** The text with everything that looks like a token or a secret replaced by `[redacted]`; doing so again changes nothing. */
export function redactText(text: string): string {
  return MAY_HOLD_SECRET.test(text) ? redactEach(text) : text
}

/** {@link redactText} without a look before it. */
export function redactEach(text: string): string {
  return text
    .replace(AUTHORIZATION, `$1$2${REDACTED}`)
    .replace(COOKIE, `$1$2${REDACTED}`)
    .replace(CREDENTIALS, `$1$2${REDACTED}`)
    .replace(QUOTED_SECRET, `$1$3${REDACTED}`)
    .replace(ASSIGNED_SECRET, (_, name: string, quote = '') => `${name}${quote}${REDACTED}`)
    .replace(STATED_SECRET, `$1${REDACTED}`)
    .replace(ENCODED_SECRET, `$1${REDACTED}`)
    .replace(AUTHORIZATION_CODE, `$1${REDACTED}`)
    .replace(TELEGRAM_TOKEN, REDACTED)
    .replace(PLATFORM_TOKEN, REDACTED)
    .replace(WEB_TOKEN, (run, rest?: string) => (rest === undefined ? run : REDACTED))
    .replace(OWN_KEY, REDACTED)
}

/**
 * A text as it is kept, of at most so many characters: first redacted, then cut, so that no part of a token survives at
 * the cut. Doing so again changes nothing.
 */
export const redactUpTo = (text: string, length: number): string => cut(redactText(text), length)

/** A raw response as it is kept. */
export const redactRawResponse = (text: string): string =>
  redactUpTo(cut(text, READ_LENGTH), RAW_RESPONSE_LENGTH)

/** Redacts every text inside a JSON value, and whatever stands under a key that names a secret. */
export function redactJson<T extends JsonValue>(value: T): T {
  return redact(value) as T
}

function redact(value: JsonValue): JsonValue {
  if (typeof value === 'string') return redactText(value)
  if (Array.isArray(value)) return value.map(redact)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).map(([key, inner]): [string, JsonValue] => [
    key,
    SECRET_KEY.test(key) && typeof inner !== 'boolean' && inner !== null ? REDACTED : redact(inner),
  ])
  return Object.fromEntries(entries)
}
