import type { Database } from '../database/port.ts'
import { sql } from '../database/sql.ts'
import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { type Logger, logFailure } from '../kernel/logger.ts'
import type { Principal } from './principal.ts'
import type { Invalidity } from './stored-key.ts'

/** How often watched keys are looked at. Together with CACHE_MS, for which a key passes unseen, it is below 5 seconds. */
export const LOOK_INTERVAL_MS = SECOND_MS
const LOOKED_AT_ONCE = 1_000

/** Tells those who go on for long with a key when it is a key no more. */
export interface KeyWatch {
  /**
   * Resolves once the key has been revoked or erased or has expired, by whichever process, within 5 seconds; and with
   * undefined as soon as `signal` is aborted or the service stops. It never rejects: while the database cannot be asked,
   * a key counts as what it was. The operator is never invalid.
   */
  untilInvalid(principal: Pick<Principal, 'keyId'>, signal: AbortSignal): Promise<Invalidity | undefined>
  /** Looks now: this process has changed a key. */
  look(): void
  stop(): Promise<void>
}

/** One look a while for all that is watched, and none while nothing is. */
export function createKeyWatch(
  database: Pick<Database, 'query' | 'dialect'>,
  { clock, logger }: { clock: Clock; logger: Logger },
): KeyWatch {
  const watched = new Map<string, Set<(invalidity: Invalidity | undefined) => void>>()
  /** All who wait, the operator included. Not AbortSignal.any, which leaks a little for each that has gone. */
  const waiting = new Set<() => void>()
  let pause = new AbortController()
  let loop: Promise<void> | undefined
  let isStopped = false
  let isFailing = false

  async function lookAtAll(): Promise<void> {
    const ids = [...watched.keys()]
    for (let start = 0; start < ids.length; start += LOOKED_AT_ONCE) {
      const some = ids.slice(start, start + LOOKED_AT_ONCE)
      const found = await stateOf(some)
      for (const id of some) {
        const state = found.get(id) ?? 'erased'
        if (state !== 'good') for (const tell of watched.get(id) ?? []) tell(state)
      }
    }
  }

  /** The same as {@link invalidityOf}, asked of the database; a statement's text is the same for any number of keys. */
  async function stateOf(ids: readonly string[]): Promise<Map<string, Invalidity | 'good'>> {
    const { dialect } = database
    const rows = await database.query<{ id: string; revoked: unknown; expired: unknown }>(sql`
      SELECT id, revoked_at IS NOT NULL AS revoked, ${dialect.hasCome(sql`expires_at`, clock.now())} AS expired
      FROM api_keys WHERE ${dialect.anyOf(sql`id`, ids)}`)
    return new Map(
      rows.map(({ id, revoked, expired }) => [id, revoked ? 'revoked' : expired ? 'expired' : 'good']),
    )
  }

  async function goOn(): Promise<void> {
    while (watched.size > 0) {
      pause = new AbortController()
      try {
        await lookAtAll()
        isFailing = false
      } catch (error) {
        if (!isFailing) logFailure(error, { task: 'watching keys' }, logger)
        isFailing = true
      }
      if (watched.size > 0) await clock.sleep(LOOK_INTERVAL_MS, pause.signal)
    }
    loop = undefined
  }

  function watch(id: string, tell: (invalidity: Invalidity | undefined) => void): void {
    const others = watched.get(id)
    if (others) others.add(tell)
    else watched.set(id, new Set([tell]))
    loop ??= goOn()
  }

  function unwatch(id: string, tell: (invalidity: Invalidity | undefined) => void): void {
    const all = watched.get(id)
    all?.delete(tell)
    if (all?.size !== 0) return
    watched.delete(id)
    if (watched.size === 0) pause.abort()
  }

  return {
    untilInvalid: ({ keyId }, signal) =>
      new Promise((resolve) => {
        const tell = (invalidity: Invalidity | undefined) => {
          signal.removeEventListener('abort', leave)
          waiting.delete(leave)
          if (keyId !== null) unwatch(keyId, tell)
          resolve(invalidity)
        }
        const leave = () => tell(undefined)
        if (signal.aborted || isStopped) return leave()
        signal.addEventListener('abort', leave, { once: true })
        waiting.add(leave)
        if (keyId !== null) watch(keyId, tell)
      }),
    look: () => pause.abort(),
    stop: async () => {
      isStopped = true
      for (const leave of waiting) leave()
      await loop
    },
  }
}
