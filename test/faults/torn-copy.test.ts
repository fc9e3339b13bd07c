import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sql } from '../../src/database/sql.ts'
import { startTestApp } from '../support/app.ts'
import { bodyOf, sentEvent } from './producer.ts'
import { report, seededRandom } from './seed.ts'
import { findDamage, readStored } from './stored.ts'

const LIST_SIZE = 7
const LISTS = 120

/** Opens a copy of the file whose write-ahead log ends early. @returns how many lists are whole in it */
async function wholeLists(folder: string, walBytes: number | undefined): Promise<number> {
  const copy = join(mkdtempSync(join(tmpdir(), 'connlog-copy-')), 'connlog.db')
  try {
    copyFileSync(join(folder, 'connlog.db'), copy)
    if (walBytes !== undefined) {
      copyFileSync(join(folder, 'connlog.db-wal'), `${copy}-wal`)
      truncateSync(`${copy}-wal`, walBytes)
    }
    expect(await findDamage(`file:${copy}`)).toEqual([])
    const stored = await readStored(`file:${copy}`)
    const sizes = new Map<number, number>()
    for (const { content } of stored) sizes.set(content, (sizes.get(content) ?? 0) + 1)
    // Whole lists, and all of those before the last.
    expect([...sizes.values()].filter((size) => size !== LIST_SIZE)).toEqual([])
    expect([...sizes.keys()].toSorted((a, b) => a - b)).toEqual(Array.from(sizes.keys(), (_, index) => index))
    return sizes.size
  } finally {
    rmSync(join(copy, '..'), { recursive: true })
  }
}

describe('a copy of an SQLite file of which the end of the write-ahead log is missing', () => {
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'connlog-torn-'))
    const app = await startTestApp('sqlite')
    for (let list = 0; list < LISTS; list += 1) {
      const events = Array.from({ length: LIST_SIZE }, (_, index) =>
        sentEvent('u1', `${list}-${index}`, list),
      )
      await app.connectionLogs.record(
        events.map((one, index) => ({ value: bodyOf(one), at: `[${index}]`, index })),
      )
      // So that the log begins amid the lists, and the file alone holds some of them.
      if (list === LISTS / 2) await app.database.query(sql`PRAGMA wal_checkpoint(TRUNCATE)`)
    }
    // As they lie there while the service runs: closing would leave the file alone.
    const file = app.url.slice('file:'.length)
    copyFileSync(file, join(folder, 'connlog.db'))
    copyFileSync(`${file}-wal`, join(folder, 'connlog.db-wal'))
    await app.stop()
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('opens with whole lists, the first so many, wherever it ends', async () => {
    const random = seededRandom('torn copies')
    const bytes = statSync(join(folder, 'connlog.db-wal')).size
    expect(await wholeLists(folder, bytes)).toBe(LISTS)
    const ends = [0, 1, 31, 32, 33, bytes - 1, ...Array.from({ length: 30 }, () => random.whole(0, bytes))]
    const found = new Set<number>()
    for (const end of ends) found.add(await wholeLists(folder, end))
    report(
      `torn copies: ${ends.length} of ${bytes} bytes, with ${Math.min(...found)} to ${Math.max(...found)} lists`,
    )
    expect(found.size).toBeGreaterThan(5)
  })

  it('opens without any of the log, as what was in the file', async () => {
    const found = await wholeLists(folder, undefined)
    expect(found).toBeGreaterThan(0)
    expect(found).toBeLessThan(LISTS)
  })
})
