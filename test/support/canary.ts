import { existsSync, readFileSync } from 'node:fs'
import pg from 'pg'
import type { ConnectionEventType } from '../../src/connections/event.ts'
import { HOUR_MS, MINUTE_MS } from '../../src/kernel/clock.ts'
import { formatInstant } from '../../src/kernel/instant.ts'
import type { TestApp } from './app.ts'
import type { TestClock } from './clock.ts'

/** A word that stands in whatever is told of the user or account that will be erased, and nowhere else. */
export const CANARY = 'canary'

const EVENT_TYPES: readonly ConnectionEventType[] = [
  'connect_success',
  'connect_failed',
  'disconnect',
  'reconnect_success',
  'reconnect_failed',
]

/** What a producer sends of `word`: every field that takes text holds the word. */
export function telling(word: string, index: number, { userId = `${word}-user`, names = true } = {}) {
  const type = EVENT_TYPES[index % EVENT_TYPES.length] ?? 'disconnect'
  return {
    userId,
    profileId: `${word}-profile`,
    accountId: `${word}-account`,
    platform: (['reddit', 'tiktok', 'bluesky'] as const)[index % 3],
    eventType: type,
    connectionMethod: (['oauth', 'credentials'] as const)[index % 2],
    ...(names && index % 3 === 0 ? { eventId: `${word}-event-${index}` } : {}),
    ...(names && index % 7 === 0 ? { _id: `${word}-id-${index}` } : {}),
    ...(type.endsWith('success')
      ? { success: { displayName: `${word} the ${index}`, username: `${word}${index}`, permissions: [word] } }
      : {}),
    ...(type.endsWith('failed')
      ? {
          error: {
            code: `${word}-${index % 4}`,
            message: `${word} failed`,
            rawResponse: `{"who":"${word}"}`,
          },
        }
      : {}),
    metadata: { note: word, many: Array.from({ length: index % 9 }, () => `${word} `.repeat(9)) },
  }
}

/** Stores logs of `word` over some hours before now, among those of others, 40 at a time. */
export async function recordAll(
  app: TestApp,
  clock: TestClock,
  sent: readonly ReturnType<typeof telling>[],
): Promise<void> {
  for (let at = 0; at < sent.length; at += 40) {
    const logs = sent.slice(at, at + 40).map((log, index) => ({
      value: {
        ...log,
        createdAt: formatInstant(clock.now() - ((at + index) % 11) * HOUR_MS - index * MINUTE_MS),
      },
      at: '',
    }))
    const recorded = await app.connectionLogs.recordEach(logs)
    for (const one of recorded) if (one instanceof Error) throw one
  }
}

/** All that the database holds, as text: the bytes of its files, or every row and all statistics of the planner. */
export async function everythingIn(url: string): Promise<string> {
  if (url.startsWith('file:')) {
    const path = url.slice('file:'.length)
    return [path, `${path}-wal`]
      .filter((file) => existsSync(file))
      .map((file) => readFileSync(file).toString('latin1'))
      .join('\n')
  }
  const client = new pg.Client(url)
  await client.connect()
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT oid::regclass::text AS name FROM pg_class
       WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
       UNION ALL SELECT '(SELECT * FROM pg_stats WHERE schemaname = current_schema())'`,
    )
    const texts = []
    for (const { name } of tables) {
      const { rows } = await client.query<{ text: string }>(`SELECT t::text AS text FROM ${name} AS t`)
      texts.push(...rows.map(({ text }) => `${name} ${text}`))
    }
    return texts.join('\n')
  } finally {
    await client.end()
  }
}

/** Where the canary still sings: at most a few places, with what stands around them. */
export async function canariesIn(url: string, word = CANARY): Promise<string[]> {
  const text = await everythingIn(url)
  return [...text.matchAll(new RegExp(word, 'gi'))]
    .slice(0, 5)
    .map(({ index }) => text.slice(Math.max(0, index - 40), index + word.length + 20))
}
