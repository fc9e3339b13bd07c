import { cut } from '../kernel/errors.ts'
import type { JsonValue } from '../kernel/json.ts'

/** Longest `error.rawResponse` that is kept, in characters. */
export const RAW_RESPONSE_LENGTH = 2_000

const REDACTED = '[redacted]'

const SECRET_NAMES =
  'access_?token|refresh_?token|id_?token|client_?secret|fb_exchange_token|app_?secret|api_?key|password|code_verifier|invitation_?token|connect_?token|oauth_token(?:_secret)?|appsecret_proof'

/** `"access_token": "…"`, `access_token=…`, `access_token: …`, also escaped inside another JSON text. */
const NAMED_SECRET = new RegExp(
  String.raw`((?:${SECRET_NAMES})(?:\\*["'])?\s*(?:=|:|%3[dD]|%22%3[aA])\s*)` +
    String.raw`(?:(\\{0,31}["'])(?:(?!\2)[\s\S])*|[^\s&,;<>}\]"'\\]+)`,
  'gi',
)
const AUTHORIZATION = /\b(Bearer|Basic)(\s+|%20|\+)[\w.~+/%-]{6,}=*/gi
/**
 * JSON Web Tokens, and what begins like one: a run that no dot follows is matched too, and kept, because looking for
 * tokens inside of it again would take time that grows with its square.
 */
const WEB_TOKEN = /\beyJ[\w-]{8,}(\.[\w-]{4,}(?:\.[\w-]*)?)?/g
/** The keys of this service. */
const OWN_KEY = /\bclk_[0-9A-Za-z]+_[0-9A-Za-z]+/g
const SECRET_KEY = new RegExp(`^(?:${SECRET_NAMES}|authorization)$`, 'i')

/** The text with everything that looks like a token or a secret replaced by `[redacted]`. */
export function redactText(text: string): string {
  return text
    .replace(AUTHORIZATION, `$1$2${REDACTED}`)
    .replace(NAMED_SECRET, (_, name: string, quote = '') => `${name}${quote}${REDACTED}`)
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
    SECRET_KEY.test(key) && inner !== null ? REDACTED : redact(inner),
  ])
  return Object.fromEntries(entries)
}
