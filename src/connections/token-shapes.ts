import { isMixed, isTokenLike } from '../kernel/token-like.ts'

/**
 * Tokens and keys that are known by their own form, wherever they stand. No pattern repeats a repetition, and each ends
 * where its run of characters ends, so that the time grows with the text.
 */
interface Shape {
  readonly pattern: RegExp
  /** What takes the place of a match; the match itself if it is no secret after all. */
  readonly replace: (
    match: string,
    groups: readonly (string | undefined)[],
    text: string,
    at: number,
  ) => string
}

export const REDACTED = '[redacted]'

/** Whether a value was replaced before. At the end of a text that was cut, a part of the mark may be left. */
export const isRedacted = (text: string, at: number): boolean =>
  text.startsWith(REDACTED, at) ||
  (text.length - at < REDACTED.length && text.length > at && REDACTED.startsWith(text.slice(at)))

const always = (pattern: RegExp): Shape => ({ pattern, replace: () => REDACTED })
const where = (pattern: RegExp, isSecret: (match: string) => boolean): Shape => ({
  pattern,
  replace: (match) => (isSecret(match) ? REDACTED : match),
})
const hasDigit = (match: string) => /\d/.test(match)
const hasLowerOrDigit = (match: string) => /[a-z\d]/.test(match.slice(3))

/** What comes in front of Bluesky's app passwords, which could be words. */
const PASSWORD_BEFORE = /passw|passcode|secret|credential|\bapp\b/i
const REACH_BEFORE = 60

/** `RefreshToken:…`, `realm="…"`: another field follows the scheme. Base64 ends with `=`. */
const isField = (value: string) => /^[a-z_-]+[:=](?!=?$)/i.test(value)

/** A JSON text writes `/` as `\/` now and then, an address as `%2F`. */
const SLASH = String.raw`(?:\\?\/|%2F)`

export const TOKEN_SHAPES: readonly Shape[] = [
  // A private key, to its end or to that of the text.
  always(
    /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----END)[^])*(?:-----END[A-Z0-9 ]{0,60}-----)?/g,
  ),
  // `https://user:password@host`, also as a part of another address. A password may hold an `@`, so all up to the last goes.
  {
    pattern: /(:(?:\\?\/){2})[^\s/?#"'<>\\:@]*:[^\s/?#"'<>\\]*@/g,
    replace: (_, [start]) => `${start}${REDACTED}@`,
  },
  {
    pattern: /(%3A%2F%2F)(?:(?!%2F|%3A|%3F|%40)[^\s"'<>\\&])*%3A(?:(?!%2F|%3F|%40)[^\s"'<>\\&])*%40/gi,
    replace: (_, [start]) => `${start}${REDACTED}%40`,
  },
  // `Authorization: Bearer …`, and the scheme with its credentials in any other place.
  {
    pattern: /\b(Bearer|Basic|DPoP)(\s+|%20|\+)([\w.~+/%|:!*=-]{6,})/gi,
    replace: (match, [scheme, blank, value = '']) =>
      isField(value) || !isTokenLike(value) ? match : `${scheme}${blank}${REDACTED}`,
  },
  // Bots of Telegram; the token stands in the path of every request.
  always(/\d{6,12}(?::|%3A)[\w-]{30,}/gi),
  // Meta
  where(/\bEAA[A-Za-z0-9]{12,}/g, hasLowerOrDigit),
  where(/\b(?:IG[A-Z]{2}|THAA)[\w-]{20,}/g, isMixed),
  where(/\b\d{6,20}(?:\||%7C)[\w-]{16,}/gi, isTokenLike),
  // Google
  always(new RegExp(String.raw`\b1${SLASH}${SLASH}0[\w-]{8,}`, 'gi')),
  always(new RegExp(String.raw`\b4${SLASH}0A[\w-]{8,}`, 'gi')),
  always(/\bya29\.[\w.-]{10,}/g),
  always(/\bGOCSPX-[\w-]{10,}/g),
  always(/\bAIza[\w-]{30,}/g),
  // TikTok
  where(/\b(?:act|rft|clt)\.[\w!.*-]{12,}/g, hasDigit),
  // Pinterest
  where(/\bpin[acr][_.][\w.-]{12,}/g, hasDigit),
  // LinkedIn
  where(/\bAQ[A-Z][\w-]{30,}/g, isMixed),
  // X
  where(/\bAAAA[\w%+/-]{30,}=*/g, isMixed),
  where(/\b\d{2,20}-[A-Za-z0-9]{20,}(?![\w-])/g, isMixed),
  // Bluesky
  {
    pattern: /(?<![\w-])[a-z0-9]{4}(?:-[a-z0-9]{4}){3}(?![\w-])/g,
    replace: (match, _, text, at) =>
      PASSWORD_BEFORE.test(text.slice(Math.max(0, at - REACH_BEFORE), at)) ? REDACTED : match,
  },
  // Others that products hold
  always(/\b(?:sk|rk|pk)_(?:live|test)_\w{8,}/g),
  where(/\bsk-[\w-]{20,}/g, hasDigit),
  always(/\bgh[opusr]_[A-Za-z0-9]{16,}/g),
  always(/\bgithub_pat_\w{20,}/g),
  always(/\bglpat-[\w-]{16,}/g),
  always(/\bxox[a-z]-[\w-]{8,}/g),
  always(/\bxapp-\d-[\w-]{8,}/g),
  always(/\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b/g),
  where(/\b(?:whsec|shpat|shpss|npm|dop_v1|hf)_[A-Za-z0-9]{16,}/g, hasDigit),
  where(/\bSG\.[\w-]{16,}\.[\w-]{16,}/g, hasDigit),
  // JSON Web Tokens. A run that no dot follows is matched too, and kept: looking for tokens inside of it again would
  // take time that grows with its square.
  {
    pattern: /\beyJ[\w-]{6,}(\.[\w-]{4,}(?:\.[\w-]*){0,3})?/g,
    replace: (match, [rest]) => (rest === undefined ? match : REDACTED),
  },
  // The keys of this service.
  always(/\bclk_[0-9A-Za-z]+_[0-9A-Za-z]+/g),
]

/** A literal part of each shape: a text without one of them holds no token. */
export const MAY_HOLD_SHAPE = String.raw`-----BEGIN|:\\?\/\\?\/|%3A%2F%2F|bearer|basic|dpop|\d{6}|EAA|IG[A-Z]{2}|THAA|1(?:\\?\/|%2F){2}0|4(?:\\?\/|%2F)0A|ya29\.|GOCSPX-|AIza|act\.|rft\.|clt\.|pin[acr][_.]|AQ[A-Z]|AAAA|\d\d-|-[a-z0-9]{4}-|[srp]k_|sk-|gh[opusr]_|github_pat_|glpat-|xox[a-z]-|xapp-|AKIA|ASIA|whsec_|shpat_|shpss_|npm_|dop_v1_|hf_|SG\.|eyJ|clk_`

/** The text without tokens of known form. */
export function redactShapes(text: string): string {
  return TOKEN_SHAPES.reduce(
    (rest, { pattern, replace }) =>
      rest.replace(pattern, (match: string, ...more: unknown[]) => {
        const at = more.findIndex((one) => typeof one === 'number')
        return replace(match, more.slice(0, at) as (string | undefined)[], rest, more[at] as number)
      }),
    text,
  )
}
