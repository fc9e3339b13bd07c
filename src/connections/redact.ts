import { cut } from '../kernel/errors.ts'
import type { JsonValue } from '../kernel/json.ts'

/** Longest `error.rawResponse` that is kept, in characters. */
export const RAW_RESPONSE_LENGTH = 2_000

const REDACTED = '[redacted]'

/** How the names of secrets end, in whatever notation: `access_token`, `userAccessToken`, `x-api-key`, `app_password`. */
const SECRET_ENDING = 'token|secret|password|passwd|passphrase|api[_-]?key|code[_-]?verifier|appsecret_proof'
const NAME = String.raw`[\w-]{0,40}(?:${SECRET_ENDING})`

const SEPARATOR = String.raw`((?:\\{0,31}["'])?\s{0,9}[:=]\s{0,9}(?:\\{0,31}["'])?)`

/** `Authorization: Token …`, as a header line and as a field: the scheme and what follows it. */
const AUTHORIZATION = new RegExp(
  String.raw`((?:proxy-)?authorization)${SEPARATOR}(?:[a-z]{1,20}\s{1,9})?[^\s,;"'\\]+`,
  'gi',
)
/** `Cookie: a=b; c=d`, up to the end of the line or field. */
const COOKIE = new RegExp(String.raw`((?:set-)?cookie)${SEPARATOR}[^\r\n"'\\]+`, 'gi')
/** A scheme with its credentials, wherever it stands. */
const CREDENTIALS = /\b(Bearer|Basic)(\s+|%20|\+)[\w.~+/%-]{6,}=*/gi
/** `"access_token": "…"`, also escaped inside another JSON text. */
const QUOTED_SECRET = new RegExp(
  String.raw`((\\{0,31}["'])${NAME}\2\s{0,9}[:=]\s{0,9})(\\{0,31}["'])(?:(?!\3)[\s\S])*`,
  'gi',
)
/** `client_secret=…`, as in addresses and forms, and `accessToken: …` where the name is no word of a sentence. */
const NAMED_SECRET = new RegExp(
  String.raw`(${NAME}\s{0,9}(?:=|%3D)\s{0,9}|\b(?:access|refresh|id|client|app|user|page|bot)(?:_(?:token|secret|password)|Token|Secret|Password)\s{0,9}:\s{0,9})` +
    String.raw`(?:(\\{0,31}["'])(?:(?!\2)[\s\S])*|[^\s&,;<>}\]"'\\]+)`,
  'gi',
)
/** The code of an OAuth callback, which can be changed for a token. */
const AUTHORIZATION_CODE = /([?&]code=)[^\s&#"'\\]{8,}/g
/** The token of a Telegram bot, which stands in the path of every request to it. */
const TELEGRAM_TOKEN = /\d{6,12}:[\w-]{30,}/g
/**
 * JSON Web Tokens, and what begins like one: a run that no dot follows is matched too, and kept, because looking for
 * tokens inside of it again would take time that grows with its square.
 */
const WEB_TOKEN = /\beyJ[\w-]{8,}(\.[\w-]{4,}(?:\.[\w-]*)?)?/g
/** The keys of this service. */
const OWN_KEY = /\bclk_[0-9A-Za-z]+_[0-9A-Za-z]+/g
const SECRET_KEY = new RegExp(`(?:${SECRET_ENDING}|authorization|cookie)$`, 'i')

/** The text with everything that looks like a token or a secret replaced by `[redacted]`. */
export function redactText(text: string): string {
  return text
    .replace(AUTHORIZATION, `$1$2${REDACTED}`)
    .replace(COOKIE, `$1$2${REDACTED}`)
    .replace(CREDENTIALS, `$1$2${REDACTED}`)
    .replace(QUOTED_SECRET, `$1$3${REDACTED}`)
    .replace(NAMED_SECRET, (_, name: string, quote = '') => `${name}${quote}${REDACTED}`)
    .replace(AUTHORIZATION_CODE, `$1${REDACTED}`)
    .replace(TELEGRAM_TOKEN, REDACTED)
    .replace(WEB_TOKEN, (run, rest?: string) => (rest === undefined ? run : REDACTED))
    .replace(OWN_KEY, REDACTED)
}

/** A raw response as it is kept: first redacted, then cut, so that no part of a token survives at the cut. */
export function redactRawResponse(text: string): string {
  return cut(redactText(text), RAW_RESPONSE_LENGTH)
}

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
