import { AppError } from '../kernel/errors.ts'
import type { Principal } from './principal.ts'

/** What has it was made here: no literal has it, and a copy by spread loses it. It is there for the types alone. */
declare class Made {
  private readonly fromPrincipal: true
}

/**
 * Whose logs may be seen. It is made from who asks and from nothing else, and without one no log is reached.
 *  - `user`: those of one user, the tenant
 *  - `everyone`: those of all users, and those without one
 */
export type Sight = Made &
  ({ readonly only: 'user'; readonly userId: string } | { readonly only: 'everyone' })

/** Its user's for the key of a user, everybody's for a service key. */
export function sightOf({ userId }: Pick<Principal, 'userId'>): Sight {
  return (userId === null ? { only: 'everyone' } : { only: 'user', userId }) as Sight
}

/**
 * The part of a sight that one user's logs are.
 * @param field what the caller calls the user, for the sentence
 * @throws {AppError} FORBIDDEN where they are out of sight
 */
export function narrowed(sight: Sight, userId: string, field: string): Sight {
  if (sight.only === 'everyone' || sight.userId === userId) return sightOf({ userId })
  throw new AppError('FORBIDDEN', `Expected \`${field}\` to be the key's own user, got another one.`)
}
