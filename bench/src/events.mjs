import { createHash } from 'node:crypto'

/**
 * Events as a product's OAuth callback would send them: what was missed in an hour, of some thousand users of whom few
 * have most. The same every time but for the instants, which end now.
 * @param {(below: number) => number} random
 * @param {number} count
 * @param {string} name makes the event ids of one call differ from those of another
 */
export function makeEvents(random, count, name) {
  const endMs = Date.now()
  return Array.from({ length: count }, (_, index) => {
    const user = Math.floor((random(1_000_000) / 1_000_000) ** 2 * USERS)
    const failed = random(10) < 3
    const again = random(3) === 0
    return {
      eventId: hash(`${name} ${index}`, 32),
      userId: hash(`user ${user}`, 24),
      profileId: hash(`profile ${user} ${random(3)}`, 24),
      platform: PLATFORMS[random(PLATFORMS.length)],
      eventType: `${again ? 'reconnect' : 'connect'}_${failed ? 'failed' : 'success'}`,
      connectionMethod: 'oauth',
      ...(failed
        ? { error: ERRORS[random(ERRORS.length)] }
        : {
            accountId: hash(`account ${user} ${random(5)}`, 24),
            success: {
              displayName: `Studio ${user}`,
              username: `studio_${user}`,
              profilePicture: `https://images.example.com/${user}.jpg`,
              permissions: ['basic', 'publish', 'insights'],
              accountType: 'business',
            },
          }),
      context: { hasCustomRedirectUrl: false, isReconnection: again },
      durationMs: 300 + random(6_000),
      metadata: { region: 'eu-1', attempt: 1 + random(2) },
      createdAt: new Date(endMs - random(HOUR_MS)).toISOString(),
    }
  })
}

const HOUR_MS = 3_600_000
const USERS = 2_000
const PLATFORMS = [
  'instagram',
  'facebook',
  'tiktok',
  'linkedin',
  'youtube',
  'threads',
  'pinterest',
  'twitter',
]
const ERRORS = [
  { code: 'oauth_denied', message: 'The user denied access to the application' },
  {
    code: 'token_exchange_failed',
    message: 'Token exchange failed: the authorization code has expired',
    rawResponse:
      '{"error":{"message":"This authorization code has expired.","type":"OAuthException","code":100}}',
  },
  { code: 'rate_limited', message: 'Application request limit reached' },
]

const hash = (text, length) => createHash('sha256').update(text).digest('hex').slice(0, length)

/** The events as newline-delimited JSON. */
export const toLines = (events) => events.map((event) => `${JSON.stringify(event)}\n`).join('')
