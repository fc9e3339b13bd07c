import { AppError } from '../kernel/errors.ts'
import { BEARER, apiKeyId } from './api-key.ts'
import type { BadKeyLimiter } from './bad-keys.ts'
import type { KeyStore } from './key-store.ts'
import type { Principal } from './principal.ts'

/**
 * Who makes this request. Keys are taken from the Authorization header alone, never from the URL.
 * @param address where the request comes from, as far as it is known
 * @throws {AppError} UNAUTHENTICATED, the same for a key that is missing, malformed, unknown, revoked or expired;
 *   RATE_LIMITED, the same for all of them, once the address has brought too many
 */
export async function authenticate(
  request: Request,
  keys: Pick<KeyStore, 'find' | 'isKnown'>,
  badKeys: BadKeyLimiter,
  address: string | undefined,
): Promise<Principal> {
  const key = BEARER.exec(request.headers.get('authorization') ?? '')?.[1]
  const attempt = badKeys.begin(address)
  if (!attempt) return besideGuessers(key, keys, badKeys, address)
  if (key !== undefined) {
    const principal = await keys.find(key).catch((error: unknown) => {
      attempt.forgive()
      throw error
    })
    if (principal) {
      attempt.forgive()
      return principal
    }
  }
  throw new AppError('UNAUTHENTICATED', 'Unauthorized')
}

/**
 * Behind one address may be a guesser and a whole office. A key that was good a moment ago still is; one that this process
 * has not seen is looked up while look-ups are left for such addresses, and what is not good is refused either way.
 */
async function besideGuessers(
  key: string | undefined,
  keys: Pick<KeyStore, 'find' | 'isKnown'>,
  badKeys: BadKeyLimiter,
  address: string | undefined,
): Promise<Principal> {
  const isWorthIt =
    key !== undefined && (keys.isKnown(key) || (apiKeyId(key) !== undefined && badKeys.mayLookUp()))
  const principal = isWorthIt ? await keys.find(key) : undefined
  if (!principal) throw badKeys.refusal(address)
  return principal
}
