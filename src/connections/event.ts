import type { JsonObject } from '../kernel/json.ts'

/**
 * The words of the domain. A *connection log* is one immutable event in the life of a social-media account's
 * connection to the product; the *tenant* is the user (`userId`) who owns the connection, null while an early OAuth
 * failure does not know its user yet.
 */

/** Built-in platforms and what they call themselves. To build in another, add its line: it is stored as text, so no table changes. */
export const PLATFORM_NAMES = {
  tiktok: 'TikTok',
  instagram: 'Instagram',
  facebook: 'Facebook',
  youtube: 'YouTube',
  linkedin: 'LinkedIn',
  twitter: 'X, formerly Twitter',
  threads: 'Threads',
  pinterest: 'Pinterest',
  reddit: 'Reddit',
  bluesky: 'Bluesky',
  googlebusiness: 'Google Business Profile',
  telegram: 'Telegram',
  snapchat: 'Snapchat',
  discord: 'Discord',
  whatsapp: 'WhatsApp',
} as const
export type BuiltInPlatform = keyof typeof PLATFORM_NAMES
export const PLATFORMS = Object.keys(PLATFORM_NAMES) as [BuiltInPlatform, ...BuiltInPlatform[]]

/** A built-in platform, which editors complete, or one that the setting EXTRA_PLATFORMS names. */
export type Platform = BuiltInPlatform | (string & {})

/** The platforms of one deployment, the built-in ones first. */
export type Platforms = readonly [Platform, ...Platform[]]

/** @param extra names from the setting; one that has been built in since then is not listed twice */
export const createPlatforms = (extra: readonly string[] = []): Platforms => [
  ...PLATFORMS,
  ...extra.filter((name) => !PLATFORMS.some((builtIn) => builtIn === name)),
]

export const EVENT_TYPES = [
  'connect_success',
  'connect_failed',
  'disconnect',
  'reconnect_success',
  'reconnect_failed',
] as const
export type ConnectionEventType = (typeof EVENT_TYPES)[number]

export const CONNECTION_METHODS = ['oauth', 'credentials', 'invitation'] as const
export type ConnectionMethod = (typeof CONNECTION_METHODS)[number]

export const STATUSES = ['success', 'failed'] as const
export type ConnectionStatus = (typeof STATUSES)[number]

/** `status` is a shorthand over event types; a disconnect is neither a success nor a failure. */
export const EVENT_TYPES_OF_STATUS: Readonly<Record<ConnectionStatus, readonly ConnectionEventType[]>> = {
  success: ['connect_success', 'reconnect_success'],
  failed: ['connect_failed', 'reconnect_failed'],
}

export function statusOf(eventType: ConnectionEventType): ConnectionStatus | null {
  return STATUSES.find((status) => EVENT_TYPES_OF_STATUS[status].includes(eventType)) ?? null
}

/** Who was connected; present on successful events. */
export interface ConnectionSuccess {
  displayName?: string
  username?: string
  profilePicture?: string
  permissions?: string[]
  /** An RFC 3339 instant in UTC, without a fraction where there is none. */
  tokenExpiresAt?: string
  /** Free text; Late documents personal, business and organization. */
  accountType?: string
}

/** Why it failed; present on failed events. */
export interface ConnectionError {
  /** Free text; Late documents oauth_denied and token_exchange_failed. */
  code?: string
  message?: string
  /** At most 2,000 characters, without anything that looks like a token. */
  rawResponse?: string
}

/** How the connection was attempted. Tokens that Late keeps here are dropped on the way in. */
export interface ConnectionContext {
  hasCustomRedirectUrl?: boolean
  isHeadlessMode?: boolean
  isReconnection?: boolean
  isBYOK?: boolean
}

/** A stored log. Instants are milliseconds since the epoch. */
export interface ConnectionLog {
  id: string
  userId: string | null
  profileId: string | null
  accountId: string | null
  /** The producer's own id of the event; null when it gave none beyond the log's own id. */
  eventId: string | null
  platform: Platform
  eventType: ConnectionEventType
  connectionMethod: ConnectionMethod
  success: ConnectionSuccess | null
  error: ConnectionError | null
  context: ConnectionContext
  durationMs: number | null
  metadata: JsonObject | null
  createdAt: number
}

/** What became of an event that was sent. */
export interface Recorded {
  readonly log: ConnectionLog
  /** False if the event had been stored before; `log` is then the one that was stored first. */
  readonly created: boolean
}
