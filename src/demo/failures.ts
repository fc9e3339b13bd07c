import type { JsonObject } from '../kernel/json.ts'
import { ANSWERS } from './answers.ts'

/** One way in which connecting goes wrong. */
export interface Failure {
  /** The attempts that can fail so: first connections, reconnections, or both. */
  readonly on: 'connect' | 'reconnect' | 'any'
  readonly weight: number
  readonly code: string
  readonly message: string
  readonly httpStatus?: number
  /** What the platform's API answered, if it did, with the places to fill of `answers.ts`. */
  readonly answer?: JsonObject
  /** How long such a failure takes, where it is not the usual second. */
  readonly medianMs?: number
}

/** What we tell about each code. */
const MESSAGES = {
  access_denied: 'OAuth error: access_denied',
  account_not_business: 'The Instagram account is personal: it must be a business or creator account',
  account_suspended: 'The platform has suspended the account',
  bot_blocked: 'The bot was blocked or removed from the channel',
  channel_not_found: 'The Google account has no YouTube channel',
  chat_not_found: 'The channel does not exist or the bot is not in it',
  insufficient_scope: 'The account did not grant every permission that posting needs',
  invalid_app_password: 'The handle or the app password is wrong',
  invalid_grant: 'The refresh token has expired or was revoked',
  oauth_denied: 'OAuth error: access_denied',
  page_not_found: 'No Facebook Page was shared with the app',
  provider_unavailable: 'The platform had an error of its own, try again later',
  rate_limited: 'Too many requests to the platform, try again later',
  redirect_uri_mismatch: 'The redirect URI does not match the one registered for the app',
  state_mismatch: 'The OAuth state is unknown or has expired',
  timeout: 'The platform did not answer within 30 seconds',
  token_exchange_failed: 'Token exchange failed: the authorization code was refused',
  token_expired: 'The session with the platform has expired',
  token_revoked: 'The user removed the app on the platform',
} as const

type Row = readonly [Failure['on'], weight: number, keyof typeof MESSAGES, httpStatus: number, JsonObject]

function table(rows: readonly Row[], shared: readonly Failure[] = []): readonly Failure[] {
  const own = rows.map(([on, weight, code, httpStatus, answer]) => {
    return { on, weight, code, message: MESSAGES[code], httpStatus, answer }
  })
  return [...own, ...shared]
}

/** What happens before the platform has said who is there. */
export const EARLY_FAILURES: readonly Failure[] = [
  { on: 'connect', weight: 4, code: 'oauth_denied', message: MESSAGES.oauth_denied },
  { on: 'connect', weight: 3, code: 'state_mismatch', message: MESSAGES.state_mismatch },
  { on: 'connect', weight: 1, code: 'redirect_uri_mismatch', message: MESSAGES.redirect_uri_mismatch },
]

const WITH_OAUTH: readonly Failure[] = [
  { on: 'any', weight: 3, code: 'timeout', message: MESSAGES.timeout, medianMs: 30_100 },
  { on: 'connect', weight: 2, code: 'state_mismatch', message: MESSAGES.state_mismatch },
]

const WITH_META = table(
  [
    ['connect', 9, 'oauth_denied', 400, ANSWERS.meta.denied],
    ['connect', 5, 'token_exchange_failed', 400, ANSWERS.meta.code],
    ['connect', 2, 'redirect_uri_mismatch', 400, ANSWERS.meta.redirect],
    ['reconnect', 9, 'token_expired', 400, ANSWERS.meta.expired],
    ['reconnect', 4, 'token_expired', 400, ANSWERS.meta.password],
    ['any', 3, 'rate_limited', 400, ANSWERS.meta.limit],
    ['any', 2, 'provider_unavailable', 500, ANSWERS.meta.error],
  ],
  WITH_OAUTH,
)

const WITH_GOOGLE = table(
  [
    ['connect', 8, 'access_denied', 403, ANSWERS.oauth.denied],
    ['connect', 3, 'token_exchange_failed', 400, ANSWERS.google.code],
    ['connect', 2, 'redirect_uri_mismatch', 400, ANSWERS.google.redirect],
    ['reconnect', 11, 'invalid_grant', 400, ANSWERS.google.refresh],
  ],
  WITH_OAUTH,
)

/** How connecting fails on each platform, or family of platforms, on an ordinary day. */
export const FAILURES = {
  instagram: table(
    [
      ['connect', 9, 'account_not_business', 400, ANSWERS.meta.personal],
      ['any', 3, 'insufficient_scope', 403, ANSWERS.meta.action],
    ],
    WITH_META,
  ),
  facebook: table(
    [
      ['connect', 6, 'page_not_found', 200, ANSWERS.meta.noPages],
      ['any', 4, 'insufficient_scope', 403, ANSWERS.meta.pages],
    ],
    WITH_META,
  ),
  threads: WITH_META,
  youtube: table(
    [
      ['connect', 4, 'channel_not_found', 401, ANSWERS.google.noChannel],
      ['any', 4, 'insufficient_scope', 403, ANSWERS.google.scopes],
      ['any', 3, 'rate_limited', 403, ANSWERS.google.quota],
    ],
    WITH_GOOGLE,
  ),
  googlebusiness: table([['any', 5, 'rate_limited', 429, ANSWERS.google.perMinute]], WITH_GOOGLE),
  linkedin: table(
    [
      ['connect', 8, 'oauth_denied', 401, ANSWERS.linkedin.cancelled],
      ['connect', 5, 'token_exchange_failed', 400, ANSWERS.linkedin.code],
      ['reconnect', 8, 'token_revoked', 401, ANSWERS.linkedin.revoked],
      ['any', 3, 'insufficient_scope', 403, ANSWERS.linkedin.scopes],
      ['any', 2, 'rate_limited', 429, ANSWERS.linkedin.limit],
    ],
    WITH_OAUTH,
  ),
  twitter: table(
    [
      ['connect', 10, 'oauth_denied', 400, ANSWERS.oauth.denied],
      ['connect', 5, 'token_exchange_failed', 400, ANSWERS.twitter.code],
      ['reconnect', 10, 'invalid_grant', 400, ANSWERS.twitter.refresh],
      ['any', 6, 'rate_limited', 429, ANSWERS.twitter.limit],
      ['any', 2, 'provider_unavailable', 503, ANSWERS.twitter.down],
    ],
    WITH_OAUTH,
  ),
  tiktok: table(
    [
      ['connect', 6, 'access_denied', 400, ANSWERS.tiktok.denied],
      ['connect', 5, 'token_exchange_failed', 400, ANSWERS.tiktok.code],
      ['reconnect', 8, 'invalid_grant', 400, ANSWERS.tiktok.refresh],
      ['any', 4, 'insufficient_scope', 401, ANSWERS.tiktok.scopes],
      ['any', 3, 'rate_limited', 429, ANSWERS.tiktok.limit],
    ],
    WITH_OAUTH,
  ),
  /** Pinterest, Reddit and Snapchat. */
  plainOAuth: table(
    [
      ['connect', 8, 'access_denied', 400, ANSWERS.oauth.denied],
      ['connect', 4, 'token_exchange_failed', 400, ANSWERS.oauth.code],
      ['reconnect', 8, 'invalid_grant', 400, ANSWERS.oauth.refresh],
      ['any', 3, 'rate_limited', 429, ANSWERS.oauth.limit],
    ],
    WITH_OAUTH,
  ),
  bluesky: table([
    ['any', 10, 'invalid_app_password', 401, ANSWERS.bluesky.password],
    ['any', 2, 'rate_limited', 429, ANSWERS.bluesky.limit],
    ['any', 1, 'account_suspended', 401, ANSWERS.bluesky.suspended],
  ]),
  telegram: table([
    ['connect', 5, 'chat_not_found', 400, ANSWERS.telegram.noChat],
    ['any', 4, 'bot_blocked', 403, ANSWERS.telegram.left],
    ['reconnect', 4, 'bot_blocked', 403, ANSWERS.telegram.blocked],
  ]),
} as const
