import { createKeyStore } from '../../src/auth/key-store.ts'
import { ALL_SCOPES } from '../../src/auth/scopes.ts'
import { openDatabase } from '../../src/database/open.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { type Provider, createTestDatabase } from './databases.ts'
import { startService } from './service.ts'

/** A service in a process of its own, and a service key. */
export async function serviceWithKey(
  undo: (...steps: (() => unknown)[]) => void,
  provider: Provider,
  env: Record<string, string> = {},
) {
  const database = await createTestDatabase(provider)
  undo(database.drop)
  const service = await startService(database.url, env)
  undo(service.kill)
  const opened = await openDatabase(database.url, { poolSize: 1, clock: systemClock, logger: silentLogger })
  const keys = createKeyStore(opened, { clock: systemClock, logger: silentLogger })
  const { key } = await keys.create({ userId: null, scopes: ALL_SCOPES })
  await keys.stop()
  await opened.close()
  return { url: database.url, service, key }
}
