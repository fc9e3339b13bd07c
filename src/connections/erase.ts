import type { KeyStore } from '../auth/key-store.ts'
import type { Principal } from '../auth/principal.ts'
import { narrowed, sightOf } from '../auth/sight.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Scrubbing } from '../database/erasing.ts'
import { AppError } from '../kernel/errors.ts'
import { idSchema, parseInput } from '../kernel/text.ts'
import type { Erased, Erasure } from '../logs/erasure.ts'
import type { ConnectionFilter } from './filter.ts'

/** Whose logs are to be erased: a user's, an account's of whomever, or, with both, that account's of that user. */
export interface ErasureInput {
  readonly userId?: string | null | undefined
  readonly accountId?: string | null | undefined
}

export interface ErasureOptions {
  /** Only tell what would go. */
  readonly dryRun?: boolean
  /** Ends the erasure after the batch under way. */
  readonly signal?: AbortSignal
}

/** What was erased, for whom and when. It is given to the one who asked and kept nowhere. */
export interface ErasureReceipt extends Scrubbing {
  readonly userId: string | null
  readonly accountId: string | null
  readonly dryRun: boolean
  readonly logs: number
  readonly eventIds: number
  /** Keys of the user; 0 where an account is named. */
  readonly apiKeys: number
  /** Milliseconds since the epoch. */
  readonly begunAt: number
  readonly endedAt: number
  /** Whether it went through to its end; false with `dryRun`, and where it was told to stop. */
  readonly isComplete: boolean
}

export interface ErasureParts {
  readonly erasure: Erasure<ConnectionFilter>
  readonly keys: Pick<KeyStore, 'countOf' | 'eraseOf'>
  readonly clock: Clock
}

/**
 * Erases a user or an account as one key may: the key of a user never reaches beyond that user.
 * @throws {AppError} FORBIDDEN for another user; BAD_USER_INPUT where nobody is named
 */
export async function eraseConnectionLogs(
  principal: Principal,
  input: ErasureInput,
  { erasure, keys, clock }: ErasureParts,
  { dryRun = false, signal }: ErasureOptions = {},
): Promise<ErasureReceipt> {
  const { userId, accountId } = parsed(input)
  const own = sightOf(principal)
  const sight = userId === null ? own : narrowed(own, userId, 'userId')
  const user = sight.only === 'user' ? sight.userId : null
  const isWholeUser = user !== null && accountId === null
  const erased: Erased<ConnectionFilter> = {
    sight,
    filter: accountId === null ? {} : { accountId: [accountId] },
    isWholeUser,
  }
  const begunAt = clock.now()
  const receipt = { userId, accountId, dryRun, begunAt }
  if (dryRun) {
    const numbers = await erasure.measure(erased)
    const apiKeys = isWholeUser ? await keys.countOf(user) : 0
    return { ...receipt, ...numbers, apiKeys, endedAt: clock.now(), ...UNFINISHED }
  }
  const numbers = await erasure.erase(erased, signal)
  // Last, so that a user whose erasure is interrupted can ask for it again.
  if (signal?.aborted) return { ...receipt, ...numbers, apiKeys: 0, endedAt: clock.now(), ...UNFINISHED }
  const apiKeys = isWholeUser ? await keys.eraseOf(user, principal) : 0
  const scrubbing = await erasure.scrub()
  return { ...receipt, ...numbers, apiKeys, endedAt: clock.now(), isComplete: true, ...scrubbing }
}

const UNFINISHED = { isComplete: false, scrubbed: false, remark: null }

function parsed({ userId, accountId }: ErasureInput) {
  if ((userId ?? null) === null && (accountId ?? null) === null) {
    throw new AppError('BAD_USER_INPUT', 'Expected `userId` or `accountId` or both, got neither.')
  }
  const id = (value: string | null | undefined, at: string) =>
    value === null || value === undefined ? null : parseInput(idSchema, value, at)
  return { userId: id(userId, 'userId'), accountId: id(accountId, 'accountId') }
}
