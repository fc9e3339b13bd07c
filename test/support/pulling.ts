import { expect } from 'vitest'
import { type PullOptions, pull } from '../../src/cli/pull.ts'
import { SECOND_MS, systemClock } from '../../src/kernel/clock.ts'
import { formatInstant } from '../../src/kernel/instant.ts'
import type { TestApp } from './app.ts'
import { createHastyClock } from './hasty-clock.ts'
import type { LateServer, ServedLog } from './late-server.ts'
import { createTestTerminal } from './terminal.ts'

export const KEY = 'k3y-that-nobody-may-see'
export const EVENT = { platform: 'reddit', eventType: 'connect_failed', connectionMethod: 'oauth' }

/** Logs of the last days, newest first. */
export function lateLogs(count: number, fields: object = {}): ServedLog[] {
  const nowMs = systemClock.now()
  return Array.from({ length: count }, (_, index) => ({
    _id: `late-${String(index).padStart(6, '0')}`,
    userId: `user-${index % 3}`,
    ...EVENT,
    createdAt: formatInstant(nowMs - (index + 1) * SECOND_MS),
    ...fields,
  }))
}

interface Pulled {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Pulls into the app's database without waiting. Nothing it prints may hold the key or what a server said. */
export async function pullInto(
  app: TestApp,
  server: LateServer,
  options: Partial<PullOptions> = {},
): Promise<Pulled> {
  const terminal = createTestTerminal({ DATABASE_URL: app.url })
  const own = { clock: createHastyClock(), fetch }
  let code = 1
  try {
    code = await pull(terminal, { url: server.origin, key: KEY, ...options }, own)
  } catch (error) {
    terminal.printed.stderr += `${(error as Error).message}\n`
  }
  const all = `${terminal.printed.stdout}${terminal.printed.stderr}`
  expect(all).not.toContain(KEY)
  expect(all).not.toContain('s3cret')
  return { code, ...terminal.printed }
}

/** All ids in the store, sorted. */
export async function storedIds(app: TestApp): Promise<string[]> {
  const ids: string[] = []
  for (let skip = 0; ; skip += 100) {
    const page = await app.connectionLogs.page({}, { limit: 100, skip })
    ids.push(...page.logs.map(({ id }) => id))
    if (!page.pagination.hasMore) return ids.sort()
  }
}

export const idsOf = (logs: readonly ServedLog[]) => logs.map(({ _id }) => _id).sort()
