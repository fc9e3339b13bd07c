/**
 * How secrets are named, in fields of JSON, headers, forms, settings and sentences. A name is known by its end:
 * `access_token`, `userAccessToken`, `x-api-key`, `app_password`, `refreshTokens`, `accessToken2`, `tokenValue`.
 */

const ENDINGS = [
  'token',
  'secret',
  'password',
  'passwd',
  'passphrase',
  'passcode',
  String.raw`(?:api|secret|private|access|signing|encryption|master|account|auth|shared|subscription)[\s_-]?key`,
  String.raw`(?:auth|authorization|oauth|verification|login|device|security)_?code`,
  String.raw`(?:code|oauth|pkce)[_-]?verifier`,
  String.raw`(?:oauth|amz|goog)[_-]?signature`,
  'assertion',
  String.raw`signed[_-]?request`,
  String.raw`app_?secret_?proof`,
  'credential',
  'authorization',
  'cookie',
  String.raw`session[_-]?id`,
  'sessid',
  'jwt',
  'pwd',
].join('|')
/** Names that are parts of other words: `compass`, `config`. */
const WHOLE = 'pass|sig|otp|bearer|code'
/** What may stand behind: a plural, `Value`, a number. */
const BEHIND = String.raw`s?(?:[_-]?(?:value|string|text|plain|raw|data|header|hash|old|new|current|previous|confirmation|encrypted|base64))?s?[_-]?\d{0,4}`

/** Where a word begins, escapes in front of it being no part of it: `%22code`, `\u0026code`, `\ncode`. */
const BEGINS = String.raw`(?:(?<![\w-])|(?<=%[0-9a-f]{2})|(?<=\\u[0-9a-f]{4})|(?<=\\[nrt]))`

const NAME = String.raw`(?:(${ENDINGS})${BEHIND}|${BEGINS}(${WHOLE}))(?![\w-])`

/** Each name of a secret in a text; the groups hold what it ends in. */
export const secretNames = () => new RegExp(NAME, 'gi')

/** A literal part of each name. */
export const MAY_HOLD_NAME =
  'token|secret|passw|passphrase|passcode|key|code|verifier|signature|assertion|signed|credential|authorization|cookie|session|sessid|jwt|pwd|pass|sig|otp|bearer'

const WHOLE_TEXT = new RegExp(String.raw`${NAME}[^\w]*$`, 'i')

/** What a name is the name of, which decides what may be its value. */
export type SecretName = 'secret' | 'password' | 'authorization' | 'cookie' | 'code' | 'plural'

export function kindOfName(name: string, ending: string | undefined, whole: string | undefined): SecretName {
  if (whole?.toLowerCase() === 'code') return 'code'
  const kind = ending?.toLowerCase() ?? ''
  if (kind === 'authorization' || kind === 'cookie') return kind
  if (kind.startsWith('pass') || kind === 'pwd' || whole?.toLowerCase() === 'pass') return 'password'
  return /s[_-]?\d*$/i.test(name) && whole === undefined ? 'plural' : 'secret'
}

/** What the key of an object names, `headers[authorization]` being one too; undefined if no secret. */
export function secretOfKey(key: string): SecretName | undefined {
  const found = WHOLE_TEXT.exec(key.slice(-200))
  return found ? kindOfName(found[0].replace(/\W+$/, ''), found[1], found[2]) : undefined
}
