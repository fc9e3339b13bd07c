import { describe, expect, it } from 'vitest'
import { matches } from '../../src/connections/filter.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import { sharedWordsOfLog } from '../../src/connections/words.ts'
import type { Sql } from '../../src/database/sql.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { NEVER_YIELDS } from '../../src/kernel/yield-if-long.ts'
import { createFeed } from '../../src/logs/feed.ts'
import { placeBefore } from '../../src/logs/feed-mark.ts'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'
import { sentOf } from '../support/sent.ts'
import { undoneAfterEach } from '../support/undo.ts'

const undo = undoneAfterEach()
const LOGS = 1_000
const PAGE = 50

describe.each(PROVIDERS)('a replay that finds nothing, on %s', (provider) => {
  /** @param onPart called before each part of the replay, with the number of pages that were read until then */
  async function replay(onPart: (pagesRead: number, end: () => void) => Promise<void>) {
    const app = await startTestApp(provider)
    await app.connectionLogs.record(Array.from({ length: LOGS }, (_, index) => sentOf(`a${index}`)))
    const pages: Sql[] = []
    const database = {
      ...app.database,
      query: <Row>(statement: Sql) => {
        if (statement.values.includes(PAGE)) pages.push(statement)
        return app.database.query<Row>(statement)
      },
    }
    let end: () => void = () => undefined
    const feed = createFeed(database, connectionLogKind, {
      clock: systemClock,
      logger: silentLogger,
      yieldIfLong: () => onPart(pages.length, () => end()),
    })
    undo(feed.stop)
    const beginning = { place: placeBefore(0n), sinceMs: Number.MAX_SAFE_INTEGER }
    const reader = feed.follow({ users: ['u1'], from: beginning, accepts: () => false })
    end = () => reader.end()
    const next = reader.next()
    return { next, pages, reader }
  }

  it('gives way before each page that it reads', async () => {
    const partsAt = new Map<number, number>()
    let through: () => void = () => undefined
    const isThrough = new Promise<void>((resolve) => (through = resolve))
    const { reader, next } = await replay(async (pagesRead) => {
      partsAt.set(pagesRead, (partsAt.get(pagesRead) ?? 0) + 1)
      if (pagesRead >= LOGS / PAGE) through()
    })
    await isThrough
    reader.end()
    expect(await next).toBeUndefined()
    expect([...partsAt.keys()].slice(0, LOGS / PAGE)).toEqual(
      Array.from({ length: LOGS / PAGE }, (_, n) => n),
    )
  })

  it('reads no further once its client has left', async () => {
    const { next, pages } = await replay(async (pagesRead, end) => {
      if (pagesRead === 3) end()
    })
    expect(await next).toBeUndefined()
    const read = pages.length
    await systemClock.sleep(50)
    expect([read, pages.length]).toEqual([3, 3])
  })

  it('reads to the end for a client that has left if it never gives way', async () => {
    const { pages, reader } = await replay(NEVER_YIELDS)
    while (pages.length < LOGS / PAGE) await systemClock.sleep(1)
    expect(pages.length).toBeGreaterThanOrEqual(LOGS / PAGE)
    reader.end()
  })
})

it('the words of a log are cut once, however many filters it is compared with', () => {
  let reads = 0
  const log = {
    ...(sentOf('a').value as object),
    success: null,
    get error() {
      reads += 1
      return { message: 'The connection was refused' }
    },
  } as unknown as Parameters<typeof matches>[1]
  const found = Array.from({ length: 100 }, () => matches({ words: ['refus'] }, log))
  expect(found.every(Boolean)).toBe(true)
  expect(sharedWordsOfLog(log)).toEqual(['the', 'connection', 'was', 'refused'])
  // Twice for the words of the first filter, and once for each filter to compare error codes.
  expect(reads).toBeLessThanOrEqual(100 + 2)
})
