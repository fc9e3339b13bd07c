import {
  type CreateKeyOptions,
  type KeyStore,
  type NewKey,
  createKeyStore,
} from '../../src/auth/key-store.ts'
import { openDatabase } from '../../src/database/open.ts'
import type { Database } from '../../src/database/port.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { type TestApp, keep, startTestApp } from './app.ts'
import { type TestClock, createTestClock } from './clock.ts'
import type { Provider } from './databases.ts'
import { createSleepingClock } from './sleeping-clock.ts'

/** A service, and the keys of its database as this process and another one have them. */
export interface TwoKeyStores {
  readonly app: TestApp
  readonly keys: KeyStore
  readonly elsewhere: KeyStore
  readonly clock: TestClock
  /** Makes a key of `u1` that reads, unless said otherwise. */
  make(options?: Partial<CreateKeyOptions>): Promise<NewKey>
  isGood(key: string): Promise<boolean>
  stop(): Promise<void>
}

export async function startTwoKeyStores(provider: Provider, nowMs: number): Promise<TwoKeyStores> {
  const hasty = createTestClock(nowMs)
  const app = keep(await startTestApp(provider, { clock: hasty }))
  const other = await openDatabase(app.url, { poolSize: 2, clock: hasty, logger: silentLogger })
  const clock = createSleepingClock(hasty)
  const storeOf = (database: Database) => createKeyStore(database, { clock, logger: silentLogger })
  const [keys, elsewhere] = [storeOf(app.database), storeOf(other)]
  return {
    app,
    keys,
    elsewhere,
    clock,
    make: (options = {}) => keys.create({ userId: 'u1', scopes: ['logs:read'], ...options }),
    isGood: async (key) => (await keys.find(key)) !== undefined,
    stop: async () => {
      await keys.stop()
      await elsewhere.stop()
      await other.close()
      await app.stop()
    },
  }
}
