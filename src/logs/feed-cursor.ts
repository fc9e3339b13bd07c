import { hash } from 'node:crypto'
import { AppError, badInput } from '../kernel/errors.ts'
import type { FeedMark } from './feed-mark.ts'
import type { FeedState } from './feed-source.ts'
import type { Sight } from '../auth/sight.ts'
import { type Horizon, expiryCutoffMs } from './query.ts'
import { createSealer } from './sealer.ts'

/**
 * Cursors of the feed: marks, encrypted for one scope. Bytes: since in ms (8, a double), position (8), the beginning of
 * the hash of the lineage (8), the length of the id (2), the id, the user.
 */
export interface FeedCursorCodec {
  encode(mark: FeedMark, lineage: string): string
  /**
   * @param field what the caller calls it, such as `after`
   * @param state how far the feed has come, read after the cursor came
   * @throws {AppError} BAD_USER_INPUT for what is no cursor of this sight; CURSOR_EXPIRED where logs behind it may have
   *   expired, and where it is of another state of the database
   */
  decode(cursor: string, field: string, state: FeedState, horizon: Horizon): FeedMark
}

/** Holds an id of connlog's own and a user's id of 40 bytes, so that nearly all cursors have 176 characters. */
const BLOCK_BYTES = 104
const [POSITION_AT, LINEAGE_AT, LENGTH_AT, ID_AT] = [8, 16, 24, 26] as const

const hashOf = (lineage: string): Buffer =>
  hash('sha256', lineage, 'buffer').subarray(0, LENGTH_AT - LINEAGE_AT)

function contentOf({ place, sinceMs }: FeedMark, lineage: string): Buffer {
  const id = Buffer.from(place.id)
  const content = Buffer.alloc(ID_AT + id.length + Buffer.byteLength(place.userId))
  content.writeDoubleBE(sinceMs)
  content.writeBigUInt64BE(place.position, POSITION_AT)
  hashOf(lineage).copy(content, LINEAGE_AT)
  content.writeUInt16BE(id.length, LENGTH_AT)
  id.copy(content, ID_AT)
  content.write(place.userId, ID_AT + id.length)
  return content
}

function markOf(content: Buffer): FeedMark {
  const userAt = ID_AT + content.readUInt16BE(LENGTH_AT)
  const place = {
    position: content.readBigUInt64BE(POSITION_AT),
    id: content.toString('utf8', ID_AT, userAt),
    userId: content.toString('utf8', userAt),
  }
  return { place, sinceMs: content.readDoubleBE() }
}

/** @param secret the same for every process that must understand the cursor */
export function createFeedCursorCodec(secret: string, sight: Sight): FeedCursorCodec {
  const sealer = createSealer({ secret, sight, kind: 'feed', blockBytes: BLOCK_BYTES })
  /** All subscribers of a scope get the same cursors. */
  const known = new WeakMap<FeedMark, { readonly lineage: string; readonly cursor: string }>()

  return {
    encode: (mark, lineage) => {
      const before = known.get(mark)
      if (before?.lineage === lineage) return before.cursor
      const cursor = sealer.seal(contentOf(mark, lineage))
      known.set(mark, { lineage, cursor })
      return cursor
    },

    decode: (cursor, field, { lineage, head }, horizon) => {
      const content = sealer.open(cursor)
      if (!content) throw badInput(field, 'a cursor that this feed gave to a key of the same reach', cursor)
      const mark = markOf(content)
      if (!(mark.sinceMs > expiryCutoffMs(horizon)))
        throw expired(field, 'within the retention, got one behind which logs have expired')
      if (!hashOf(lineage).equals(content.subarray(LINEAGE_AT, LENGTH_AT)) || mark.place.position > head)
        throw expired(field, 'of this database, got one of another, or of a later state of it')
      return mark
    },
  }
}

const expired = (field: string, expected: string) =>
  new AppError(
    'CURSOR_EXPIRED',
    `Expected \`${field}\` to be a cursor ${expected}. Read what is there, and begin anew without it.`,
  )
