import { AppError } from '../kernel/errors.ts'
import type { KeyStore } from './key-store.ts'
import type { Principal } from './principal.ts'

/** RFC 6750, section 2.1; the scheme is compared without regard to case (RFC 9110, section 11.1). */
const BEARER = /^Bearer +(\S+) *$/i

/**
 * Who makes this request. Keys are taken from the Authorization header alone, never from the URL.
 * @throws {AppError} UNAUTHENTICATED, the same for a key that is missing, malformed, unknown, revoked or expired
 */
export async function authenticate(request: Request, keys: KeyStore): Promise<Principal> {
  const key = BEARER.exec(request.headers.get('authorization') ?? '')?.[1]
  const principal = key === undefined ? undefined : await keys.find(key)
  if (!principal) throw new AppError('UNAUTHENTICATED', 'Unauthorized')
  return principal
}
