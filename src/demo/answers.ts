import type { JsonObject } from '../kernel/json.ts'

const oauth = (error: string, error_description: string): JsonObject => ({ error, error_description })
const meta = (code: number, message: string, more: JsonObject = {}): JsonObject => ({
  error: { message, type: 'OAuthException', code, ...more, fbtrace_id: '<trace>' },
})
const google = (code: number, status: string, message: string, reason: string): JsonObject => ({
  error: { code, message, status, errors: [{ message, domain: 'global', reason }] },
})
const linkedin = (status: number, serviceErrorCode: number, message: string): JsonObject => ({
  status,
  serviceErrorCode,
  message,
})
const tiktok = (code: string, message: string): JsonObject => ({
  error: { code, message, log_id: '<trace>' },
})
const telegram = (error_code: number, description: string): JsonObject => ({
  ok: false,
  error_code,
  description,
})

const REDIRECT =
  'Error validating verification code. Please make sure your redirect_uri is identical to the one you used in ' +
  'the OAuth dialog request'
const PASSWORD =
  'Error validating access token: The session has been invalidated because the user changed their password or ' +
  'Facebook has changed the session for security reasons.'
const PAGES =
  '(#200) If posting to a page, requires both pages_read_engagement and pages_manage_posts as an admin with ' +
  'sufficient administrative permission'
const LINKEDIN_CODE =
  'Unable to retrieve access token: appid/redirect uri/code verifier does not match authorization code. Or ' +
  'authorization code expired. Or external member binding exists'
const THROTTLE =
  'Resource level throttle APPLICATION_AND_MEMBER DAY limit for calls to this resource is reached.'

/**
 * What the platforms' APIs answer when something goes wrong. `<trace>` stands for an id of the platform's own and
 * `<when>` for an instant before the failure.
 */
export const ANSWERS = {
  /** The words of RFC 6749, which most platforms keep to. */
  oauth: {
    denied: { error: 'access_denied' },
    code: { error: 'invalid_grant' },
    refresh: oauth('invalid_grant', 'The refresh token is invalid or expired.'),
    limit: { message: 'Too Many Requests', error: 429 },
  },
  meta: {
    denied: { ...oauth('access_denied', 'Permissions error'), error_reason: 'user_denied' },
    code: meta(100, 'This authorization code has been used.', { error_subcode: 36009 }),
    redirect: meta(100, REDIRECT, { error_subcode: 36008 }),
    expired: meta(190, 'Error validating access token: Session has expired on <when>.', {
      error_subcode: 463,
    }),
    password: meta(190, PASSWORD, { error_subcode: 460 }),
    limit: meta(4, '(#4) Application request limit reached'),
    error: meta(2, 'An unexpected error has occurred. Please retry your request later.', {
      is_transient: true,
    }),
    down: meta(2, 'Service temporarily unavailable', { is_transient: true }),
    action: meta(10, '(#10) Application does not have permission for this action'),
    pages: meta(200, PAGES),
    noPages: { data: [] },
    personal: { id: '<trace>', account_type: 'PERSONAL' },
  },
  google: {
    code: oauth('invalid_grant', 'Malformed auth code.'),
    redirect: oauth('redirect_uri_mismatch', 'Bad Request'),
    refresh: oauth('invalid_grant', 'Token has been expired or revoked.'),
    noChannel: google(401, 'UNAUTHENTICATED', 'Unauthorized', 'youtubeSignupRequired'),
    scopes: google(
      403,
      'PERMISSION_DENIED',
      'Request had insufficient authentication scopes.',
      'insufficientPermissions',
    ),
    quota: google(
      403,
      'RESOURCE_EXHAUSTED',
      'The request cannot be completed because you have exceeded your quota.',
      'quotaExceeded',
    ),
    perMinute: google(
      429,
      'RESOURCE_EXHAUSTED',
      "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute'",
      'rateLimitExceeded',
    ),
  },
  linkedin: {
    cancelled: oauth('user_cancelled_login', 'The user cancelled LinkedIn login'),
    code: oauth('invalid_request', LINKEDIN_CODE),
    expired: linkedin(401, 65602, 'The token used in the request has expired'),
    revoked: linkedin(401, 65601, 'The token used in the request has been revoked by the user'),
    refresh: oauth(
      'invalid_request',
      'The provided authorization grant or refresh token is invalid or expired',
    ),
    scopes: linkedin(403, 100, 'Not enough permissions to access: GET /organizationAcls'),
    limit: linkedin(429, 101, THROTTLE),
  },
  twitter: {
    code: oauth('invalid_request', 'Value passed for the authorization code was invalid.'),
    refresh: oauth('invalid_request', 'Value passed for the token was invalid.'),
    limit: { title: 'Too Many Requests', status: 429, type: 'about:blank' },
    down: { title: 'Service Unavailable', status: 503, type: 'about:blank' },
  },
  tiktok: {
    denied: { error: 'access_denied', errCode: '-2' },
    code: oauth('invalid_grant', 'Authorization code is expired.'),
    refresh: oauth('invalid_grant', 'Refresh token is invalid or expired.'),
    scopes: tiktok(
      'scope_not_authorized',
      'The user did not authorize the scope required for completing this request.',
    ),
    limit: tiktok('rate_limit_exceeded', 'The API rate limit was exceeded. Please try again later.'),
  },
  bluesky: {
    password: { error: 'AuthenticationRequired', message: 'Invalid identifier or password' },
    limit: { error: 'RateLimitExceeded', message: 'Rate Limit Exceeded' },
    suspended: { error: 'AccountTakedown', message: 'Account has been taken down' },
  },
  telegram: {
    noChat: telegram(400, 'Bad Request: chat not found'),
    left: telegram(403, 'Forbidden: bot is not a member of the channel chat'),
    blocked: telegram(403, 'Forbidden: bot was blocked by the user'),
  },
} as const satisfies Record<string, Record<string, JsonObject>>
