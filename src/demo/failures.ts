import type { JsonObject } from '../kernel/json.ts'

/** One way in which connecting goes wrong. */
export interface Failure {
  /** The attempts that can fail so: first connections, reconnections, or both. */
  readonly on: 'connect' | 'reconnect' | 'any'
  readonly weight: number
  readonly code: string
  readonly message: string
  readonly httpStatus?: number
  /** What the platform's API answered, if it did: `<trace>` stands for an id of its own, `<when>` for an instant. */
  readonly answer?: JsonObject
  /** How long such a failure takes, where it is not the usual second. */
  readonly medianMs?: number
}

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

function table(shared: readonly Failure[], rows: readonly Row[]): readonly Failure[] {
  const own = rows.map(([on, weight, code, httpStatus, answer]) => {
    return { on, weight, code, message: MESSAGES[code], httpStatus, answer }
  })
  return [...shared, ...own]
}

/** What happens before the platform has said who is there. */
export const EARLY_FAILURES: readonly Failure[] = [
  { on: 'connect', weight: 4, code: 'oauth_denied', message: MESSAGES.oauth_denied },
  { on: 'connect', weight: 3, code: 'state_mismatch', message: MESSAGES.state_mismatch },
  { on: 'connect', weight: 1, code: 'redirect_uri_mismatch', message: MESSAGES.redirect_uri_mismatch },
]

const ANY: readonly Failure[] = [
  { on: 'any', weight: 3, code: 'timeout', message: MESSAGES.timeout, medianMs: 30_100 },
  { on: 'connect', weight: 2, code: 'state_mismatch', message: MESSAGES.state_mismatch },
]

const oauth = (error: string, error_description: string): JsonObject => ({ error, error_description })

const meta = (code: number, message: string, more: JsonObject = {}): JsonObject => ({
  error: { message, type: 'OAuthException', code, ...more, fbtrace_id: '<trace>' },
})
const META_DENIED = { ...oauth('access_denied', 'Permissions error'), error_reason: 'user_denied' }
const META_USED = 'This authorization code has been used.'
const META_REDIRECT =
  'Error validating verification code. Please make sure your redirect_uri is identical to the one you used in ' +
  'the OAuth dialog request'
const META_SESSION = 'Error validating access token: Session has expired on <when>.'
const META_PASSWORD =
  'Error validating access token: The session has been invalidated because the user changed their password or ' +
  'Facebook has changed the session for security reasons.'
const META_LATER = 'An unexpected error has occurred. Please retry your request later.'
const META = table(ANY, [
  ['connect', 9, 'oauth_denied', 400, META_DENIED],
  ['connect', 5, 'token_exchange_failed', 400, meta(100, META_USED, { error_subcode: 36009 })],
  ['connect', 2, 'redirect_uri_mismatch', 400, meta(100, META_REDIRECT, { error_subcode: 36008 })],
  ['reconnect', 9, 'token_expired', 400, meta(190, META_SESSION, { error_subcode: 463 })],
  ['reconnect', 4, 'token_expired', 400, meta(190, META_PASSWORD, { error_subcode: 460 })],
  ['any', 3, 'rate_limited', 400, meta(4, '(#4) Application request limit reached')],
  ['any', 2, 'provider_unavailable', 500, meta(2, META_LATER, { is_transient: true })],
])
const INSTAGRAM_SCOPE = '(#10) Application does not have permission for this action'
const FACEBOOK_SCOPE =
  '(#200) If posting to a page, requires both pages_read_engagement and pages_manage_posts as an admin with ' +
  'sufficient administrative permission'

const google = (code: number, status: string, message: string, reason: string): JsonObject => ({
  error: { code, message, status, errors: [{ message, domain: 'global', reason }] },
})
const NO_CHANNEL = google(401, 'UNAUTHENTICATED', 'Unauthorized', 'youtubeSignupRequired')
const FEW_SCOPES = 'Request had insufficient authentication scopes.'
const YOUTUBE_SCOPE = google(403, 'PERMISSION_DENIED', FEW_SCOPES, 'insufficientPermissions')
const YOUTUBE_QUOTA = 'The request cannot be completed because you have exceeded your quota.'
const BUSINESS_QUOTA = "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute'"
const GOOGLE = table(ANY, [
  ['connect', 8, 'access_denied', 403, { error: 'access_denied' }],
  ['connect', 3, 'token_exchange_failed', 400, oauth('invalid_grant', 'Malformed auth code.')],
  ['connect', 2, 'redirect_uri_mismatch', 400, oauth('redirect_uri_mismatch', 'Bad Request')],
  ['reconnect', 11, 'invalid_grant', 400, oauth('invalid_grant', 'Token has been expired or revoked.')],
])

const linkedin = (status: number, serviceErrorCode: number, message: string): JsonObject => {
  return { status, serviceErrorCode, message }
}
const LINKEDIN_CANCELLED = oauth('user_cancelled_login', 'The user cancelled LinkedIn login')
const LINKEDIN_CODE =
  'Unable to retrieve access token: appid/redirect uri/code verifier does not match authorization code. Or ' +
  'authorization code expired. Or external member binding exists'
const LINKEDIN_REVOKED = 'The token used in the request has been revoked by the user'
const LINKEDIN_SCOPE = 'Not enough permissions to access: GET /organizationAcls'
const LINKEDIN_LIMIT =
  'Resource level throttle APPLICATION_AND_MEMBER DAY limit for calls to this resource is reached.'

const twitter = (status: number, title: string): JsonObject => ({ title, status, type: 'about:blank' })
const TWITTER_CODE = 'Value passed for the authorization code was invalid.'
const TWITTER_TOKEN = 'Value passed for the token was invalid.'

const tiktok = (code: string, message: string): JsonObject => ({
  error: { code, message, log_id: '<trace>' },
})
const TIKTOK_SCOPE = 'The user did not authorize the scope required for completing this request.'
const TIKTOK_LIMIT = 'The API rate limit was exceeded. Please try again later.'

const BLUESKY_PASSWORD = { error: 'AuthenticationRequired', message: 'Invalid identifier or password' }
const BLUESKY_LIMIT = { error: 'RateLimitExceeded', message: 'Rate Limit Exceeded' }
const BLUESKY_DOWN = { error: 'AccountTakedown', message: 'Account has been taken down' }

const telegram = (error_code: number, description: string): JsonObject => ({
  ok: false,
  error_code,
  description,
})
const TELEGRAM_LEFT = 'Forbidden: bot is not a member of the channel chat'

/** The failures of each family of platforms, under our codes and with the answers that the platforms give. */
export const FAILURES = {
  instagram: table(META, [
    ['connect', 9, 'account_not_business', 400, { id: '<trace>', account_type: 'PERSONAL' }],
    ['any', 3, 'insufficient_scope', 403, meta(10, INSTAGRAM_SCOPE)],
  ]),
  facebook: table(META, [
    ['connect', 6, 'page_not_found', 200, { data: [] }],
    ['any', 4, 'insufficient_scope', 403, meta(200, FACEBOOK_SCOPE)],
  ]),
  threads: META,
  youtube: table(GOOGLE, [
    ['connect', 4, 'channel_not_found', 401, NO_CHANNEL],
    ['any', 4, 'insufficient_scope', 403, YOUTUBE_SCOPE],
    ['any', 3, 'rate_limited', 403, google(403, 'RESOURCE_EXHAUSTED', YOUTUBE_QUOTA, 'quotaExceeded')],
  ]),
  googlebusiness: table(GOOGLE, [
    ['any', 5, 'rate_limited', 429, google(429, 'RESOURCE_EXHAUSTED', BUSINESS_QUOTA, 'rateLimitExceeded')],
  ]),
  linkedin: table(ANY, [
    ['connect', 8, 'oauth_denied', 401, LINKEDIN_CANCELLED],
    ['connect', 5, 'token_exchange_failed', 400, oauth('invalid_request', LINKEDIN_CODE)],
    ['reconnect', 8, 'token_revoked', 401, linkedin(401, 65601, LINKEDIN_REVOKED)],
    ['any', 3, 'insufficient_scope', 403, linkedin(403, 100, LINKEDIN_SCOPE)],
    ['any', 2, 'rate_limited', 429, linkedin(429, 101, LINKEDIN_LIMIT)],
  ]),
  twitter: table(ANY, [
    ['connect', 10, 'oauth_denied', 400, { error: 'access_denied' }],
    ['connect', 5, 'token_exchange_failed', 400, oauth('invalid_request', TWITTER_CODE)],
    ['reconnect', 10, 'invalid_grant', 400, oauth('invalid_request', TWITTER_TOKEN)],
    ['any', 6, 'rate_limited', 429, twitter(429, 'Too Many Requests')],
    ['any', 2, 'provider_unavailable', 503, twitter(503, 'Service Unavailable')],
  ]),
  tiktok: table(ANY, [
    ['connect', 6, 'access_denied', 400, { error: 'access_denied', errCode: '-2' }],
    ['connect', 5, 'token_exchange_failed', 400, oauth('invalid_grant', 'Authorization code is expired.')],
    ['reconnect', 8, 'invalid_grant', 400, oauth('invalid_grant', 'Refresh token is invalid or expired.')],
    ['any', 4, 'insufficient_scope', 401, tiktok('scope_not_authorized', TIKTOK_SCOPE)],
    ['any', 3, 'rate_limited', 429, tiktok('rate_limit_exceeded', TIKTOK_LIMIT)],
  ]),
  /** Pinterest, Reddit and Snapchat, in the words of RFC 6749. */
  plainOAuth: table(ANY, [
    ['connect', 8, 'access_denied', 400, { error: 'access_denied' }],
    ['connect', 4, 'token_exchange_failed', 400, { error: 'invalid_grant' }],
    [
      'reconnect',
      8,
      'invalid_grant',
      400,
      oauth('invalid_grant', 'The refresh token is invalid or expired.'),
    ],
    ['any', 3, 'rate_limited', 429, { message: 'Too Many Requests', error: 429 }],
  ]),
  bluesky: table(
    [],
    [
      ['any', 10, 'invalid_app_password', 401, BLUESKY_PASSWORD],
      ['any', 2, 'rate_limited', 429, BLUESKY_LIMIT],
      ['any', 1, 'account_suspended', 401, BLUESKY_DOWN],
    ],
  ),
  telegram: table(
    [],
    [
      ['connect', 5, 'chat_not_found', 400, telegram(400, 'Bad Request: chat not found')],
      ['any', 4, 'bot_blocked', 403, telegram(403, TELEGRAM_LEFT)],
      ['reconnect', 4, 'bot_blocked', 403, telegram(403, 'Forbidden: bot was blocked by the user')],
    ],
  ),
} as const
