import { describe, expect, it } from 'vitest'
import { sightOf } from '../../src/auth/sight.ts'
import { DAY_MS } from '../../src/kernel/clock.ts'
import { createFeedCursorCodec } from '../../src/logs/feed-cursor.ts'
import { comparePlaces, laterMark } from '../../src/logs/feed-mark.ts'
import type { FeedState } from '../../src/logs/feed-source.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const HORIZON = { nowMs: NOW, retentionMs: 7 * DAY_MS }
const place = { position: 12n, id: 'e\u00e9"\u{1f600}', userId: 'u1' }
const state = (head: bigint, lineage = 'one'): FeedState => ({
  mark: { place: { position: head, id: '', userId: '' }, sinceMs: NOW },
  head,
  lineage,
  isRecorded: () => false,
})
const codec = createFeedCursorCodec('secret', sightOf({ userId: 'u1' }))
const decoded = (cursor: string, of: FeedState) => codec.decode(cursor, 'after', of, HORIZON)
const refused = (cursor: string, of: FeedState) => {
  try {
    return decoded(cursor, of)
  } catch (error) {
    return error
  }
}

describe('cursors of the feed', () => {
  it('come back as the mark that they were made of', () => {
    const mark = { place, sinceMs: NOW - DAY_MS }
    expect(decoded(codec.encode(mark, 'one'), state(12n))).toEqual(mark)
  })

  it('are expired once what is behind them may have, to the millisecond', () => {
    const at = (sinceMs: number) => codec.encode({ place, sinceMs }, 'one')
    expect(decoded(at(NOW - 7 * DAY_MS + 1), state(12n)).sinceMs).toBe(NOW - 7 * DAY_MS + 1)
    expect(refused(at(NOW - 7 * DAY_MS), state(12n))).toMatchObject({ code: 'CURSOR_EXPIRED' })
  })

  it('mean nothing in another lineage, or before they were made', () => {
    const cursor = codec.encode({ place, sinceMs: NOW }, 'one')
    expect(refused(cursor, state(12n, 'two'))).toMatchObject({ code: 'CURSOR_EXPIRED' })
    expect(refused(cursor, state(11n))).toMatchObject({ code: 'CURSOR_EXPIRED' })
  })
})

describe('places', () => {
  it('are in the order of databases: by position, then by the bytes of id and user', () => {
    // In UTF-16 the second would be before the first.
    const [low, high] = [
      { position: 1n, id: '\uffee', userId: '' },
      { position: 1n, id: '\u{1f600}', userId: '' },
    ]
    expect([comparePlaces(low, high), comparePlaces(high, low), comparePlaces(low, low)]).toEqual([-1, 1, 0])
    expect(comparePlaces({ ...low, position: 2n }, high)).toBe(1)
    expect(comparePlaces({ ...low, userId: 'a' }, low)).toBe(1)
  })

  it('that are the same are known for as long as the later mark says', () => {
    const [early, late] = [
      { place, sinceMs: 1 },
      { place, sinceMs: 2 },
    ]
    expect([laterMark(early, late), laterMark(late, early)]).toEqual([late, late])
  })
})
