import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { sightOf } from '../../src/auth/sight.ts'
import { createCursorCodec } from '../../src/logs/cursor.ts'
import { createFeedCursorCodec } from '../../src/logs/feed-cursor.ts'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'
import { follow } from '../support/follower.ts'
import { sentOf } from '../support/sent.ts'

const SECRET = 'a secret'
const SIGHT = sightOf({ userId: 'u1' })
const ID = '01a219b5-5ec6-74a7-9216-2308c50efcd1'

/** How cursors were made that were signed and not encrypted. */
function naiveCursor(position: bigint, sinceMs: number): string {
  const text = JSON.stringify([2, sinceMs, '', String(position), ID, 'u1'])
  const signature = createHmac('sha256', SECRET).update(text).digest().subarray(0, 12)
  return `${Buffer.from(text).toString('base64url')}.${signature.toString('base64url')}`
}

const feedCursor = (position: bigint, sinceMs: number) =>
  createFeedCursorCodec(SECRET, SIGHT).encode({ place: { position, id: ID, userId: 'u1' }, sinceMs }, '')

/** How many bytes of two cursors are the same at the same place, as a part of all. */
function likeness(one: string, other: string): number {
  const [a, b] = [one, other].map((cursor) => Buffer.from(cursor, 'base64url'))
  const same = [...(a ?? [])].filter((byte, index) => byte === b?.[index]).length
  return same / (a?.length ?? 1)
}

/** Whether a number stands in a cursor, as digits or as bytes. */
const shows = (cursor: string, position: bigint): boolean => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(position)
  const held = Buffer.from(cursor, 'base64url')
  return held.includes(String(position)) || held.includes(bytes.subarray(4))
}

describe('a cursor of the feed', () => {
  const [sinceMs, before, after] = [1_795_727_645_595, 1_234_567n, 1_234_604n]

  it('shows no position, and nothing by which two of them could be compared', () => {
    const [one, other] = [feedCursor(before, sinceMs), feedCursor(after, sinceMs)]
    expect([shows(one, before), shows(other, after)]).toEqual([false, false])
    expect(likeness(one, other)).toBeLessThan(0.1)
    expect(one).toBe(feedCursor(before, sinceMs))
  })

  it('that is only signed shows both', () => {
    const [one, other] = [naiveCursor(before, sinceMs), naiveCursor(after, sinceMs)]
    expect([shows(one, before), shows(other, after)]).toEqual([true, true])
    expect(likeness(one, other)).toBeGreaterThan(0.5)
  })

  it('has the same length as every other cursor, and needs no escaping in a URL', () => {
    const cursors = [0n, 9n, 2n ** 40n, 2n ** 63n].map((position) => feedCursor(position, sinceMs))
    for (const cursor of cursors) expect(cursor).toMatch(/^[\w-]{176}$/)
    const page = createCursorCodec(SECRET, SIGHT)
    expect(page.encode({ createdAt: 1, id: ID })).toMatch(/^[\w-]{102}$/)
  })
})

describe.each(PROVIDERS)('cursors on %s', (provider) => {
  it('tell a user nothing of how many logs another one records', async () => {
    const app = await startTestApp(provider, { env: { STREAM_HEARTBEAT_SECONDS: '1' } })
    const key = await app.key('u1')
    const cursor = async () =>
      (await app.gql(key, '{ connectionLogFeedCursor }')).data.connectionLogFeedCursor
    const follower = await follow(app, key)
    const cursors: string[] = [await cursor()]
    for (const logs of [1, 37, 400]) {
      await app.connectionLogs.record(
        Array.from({ length: logs }, (_, index) => sentOf(`a${index}`, { userId: 'somebody-else' })),
      )
      const { id } = (await follower.nextBlock()) ?? {}
      cursors.push(await cursor(), ...(id === undefined ? [] : [id]))
    }
    await follower.close()
    expect(cursors.length).toBeGreaterThan(4)
    for (const one of cursors) expect(one).toMatch(/^[\w-]{176}$/)
    for (const one of cursors)
      for (const other of cursors) if (one !== other) expect(likeness(one, other)).toBeLessThan(0.1)
    expect(cursors.some((one) => Buffer.from(one, 'base64url').includes('somebody-else'))).toBe(false)
  })
})
