import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import type { KeyStore } from './key-store.ts'
import type { Principal } from './principal.ts'

/** Tells those who serve a key for long when it is no longer good. */
export interface KeyWatch {
  /** Resolves once the key is revoked (within some seconds) or expires, and when `signal` is aborted. Never rejects. */
  untilInvalid(principal: Principal, signal: AbortSignal): Promise<void>
}

/** How often the database is asked for a key, however many are told. */
const CHECK_MS = 2 * SECOND_MS

export function createKeyWatch({ isValid }: Pick<KeyStore, 'isValid'>, clock: Clock): KeyWatch {
  const watched = new Map<string, { readonly waiting: Set<() => void>; readonly idle: AbortController }>()

  async function watch(keyId: string, expiresAt: number | null): Promise<void> {
    const entry = watched.get(keyId)
    if (!entry) return
    const { waiting, idle } = entry
    for (;;) {
      const leftMs = expiresAt === null ? CHECK_MS : Math.max(0, expiresAt - clock.now())
      await clock.sleep(Math.min(CHECK_MS, leftMs), idle.signal)
      if (idle.signal.aborted) return
      const isExpired = expiresAt !== null && expiresAt <= clock.now()
      // A database that does not answer says nothing of a key.
      if (isExpired || !(await isValid(keyId).catch(() => true))) break
    }
    watched.delete(keyId)
    for (const end of waiting) end()
  }

  return {
    untilInvalid: ({ keyId, expiresAt }, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve()
        let entry = keyId === null ? undefined : watched.get(keyId)
        const end = () => {
          signal.removeEventListener('abort', end)
          entry?.waiting.delete(end)
          if (keyId !== null && entry?.waiting.size === 0 && watched.get(keyId) === entry) {
            watched.delete(keyId)
            entry.idle.abort()
          }
          resolve()
        }
        signal.addEventListener('abort', end)
        if (keyId === null) return
        if (entry) entry.waiting.add(end)
        else {
          entry = { waiting: new Set([end]), idle: new AbortController() }
          watched.set(keyId, entry)
          void watch(keyId, expiresAt)
        }
      }),
  }
}
