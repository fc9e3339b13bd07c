import type { JsonObject } from '../kernel/json.ts'
import type { ConnectionEventType, ConnectionMethod, Platform } from './event.ts'

/**
 * What a producer may send for one log; anything more, or anything wrong, is refused. Null says the same as nothing.
 * Lengths are UTF-16 code units.
 */
export interface SentLog {
  /** The id of an imported log, which is its `eventId` where that is missing: 1 to 128 characters. */
  _id?: string | null | undefined
  /**
   * The producer's own id of the event: 1 to 128 characters. However often it is sent for a user, it is stored once; sent
   * with other content it is a CONFLICT.
   */
  eventId?: string | null | undefined
  /** The user who owns the connection, if known yet: 1 to 128 characters. */
  userId?: string | null | undefined
  /** The profile of the user to which the account belongs: 1 to 128 characters. */
  profileId?: string | null | undefined
  /** The account that was connected or disconnected: 1 to 128 characters. */
  accountId?: string | null | undefined
  platform: Platform
  eventType: ConnectionEventType
  connectionMethod: ConnectionMethod
  success?: SentSuccess | null | undefined
  error?: SentError | null | undefined
  context?: SentContext | null | undefined
  /** How long the operation took: whole milliseconds from 0 to 2,147,483,647. */
  durationMs?: number | null | undefined
  /**
   * Anything else worth noting: at most 16,384 bytes as JSON, nested at most 10 deep. Whole numbers go up to
   * `Number.MAX_SAFE_INTEGER`; send longer ids as text.
   */
  metadata?: JsonObject | null | undefined
  /** When it happened, as an RFC 3339 instant: within the retention, at most 5 minutes ahead. Now if absent. */
  createdAt?: string | null | undefined
}

/** Who was connected, on successful events. */
export interface SentSuccess {
  /** At most 512 characters. */
  displayName?: string | null | undefined
  /** At most 256 characters. */
  username?: string | null | undefined
  /** Its address: at most 2,048 characters. */
  profilePicture?: string | null | undefined
  /** What was granted: at most 200 texts of at most 256 characters. */
  permissions?: string[] | null | undefined
  /** An RFC 3339 instant. */
  tokenExpiresAt?: string | null | undefined
  /** Such as personal, business or organization: at most 64 characters. */
  accountType?: string | null | undefined
}

/** Why it failed, on failed events. */
export interface SentError {
  /** Such as oauth_denied; cut to 128 characters. */
  code?: string | null | undefined
  /** Cut to 4,000 characters. */
  message?: string | null | undefined
  /** What the platform answered, of any length: tokens are taken out, and it is cut to 2,000 characters. */
  rawResponse?: string | null | undefined
}

/** How the connection was attempted. */
export interface SentContext {
  hasCustomRedirectUrl?: boolean | null | undefined
  isHeadlessMode?: boolean | null | undefined
  isReconnection?: boolean | null | undefined
  isBYOK?: boolean | null | undefined
  /** Taken, and never stored. */
  invitationToken?: string | null | undefined
  /** Taken, and never stored. */
  connectToken?: string | null | undefined
}
