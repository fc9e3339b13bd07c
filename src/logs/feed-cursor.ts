import { AppError, badInput } from '../kernel/errors.ts'
import type { FeedMark } from './feed-mark.ts'
import type { FeedState } from './feed-source.ts'
import type { Sight } from '../auth/sight.ts'
import { type Horizon, expiryCutoffMs } from './query.ts'
import { createSigner } from './signature.ts'

/**
 * Cursors of the feed: marks, signed for one sight. Opaque to callers; version 2 reads as JSON
 * `[2, since in ms, lineage, position, id, user]`.
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

const VERSION = 2

type Parts = readonly [number, number, string, string, string, string]

/** @param secret the same for every process that must understand the cursor */
export function createFeedCursorCodec(secret: string, sight: Sight): FeedCursorCodec {
  const signer = createSigner(secret, sight)
  /** All who follow are told the same cursors. */
  const known = new WeakMap<FeedMark, { readonly lineage: string; readonly cursor: string }>()

  function partsOf(cursor: string): Parts | undefined {
    const text = signer.read(cursor)
    // What we signed is ours, but may be a cursor of another kind.
    if (!text?.startsWith(`[${VERSION},`)) return undefined
    return JSON.parse(text) as Parts
  }

  return {
    encode: (mark, lineage) => {
      const before = known.get(mark)
      if (before?.lineage === lineage) return before.cursor
      const { place, sinceMs } = mark
      const parts = [
        VERSION,
        sinceMs,
        lineage,
        String(place.position),
        place.id,
        place.userId,
      ] satisfies Parts
      const cursor = signer.sign(JSON.stringify(parts))
      known.set(mark, { lineage, cursor })
      return cursor
    },

    decode: (cursor, field, { lineage, head }, horizon) => {
      const parts = partsOf(cursor)
      if (!parts) throw badInput(field, 'a cursor that this feed gave to a key of the same reach', cursor)
      const [, sinceMs, ofLineage, position, id, userId] = parts
      if (!(sinceMs > expiryCutoffMs(horizon)))
        throw expired(field, 'within the retention, got one behind which logs have expired')
      if (ofLineage !== lineage || BigInt(position) > head)
        throw expired(field, 'of this database, got one of another, or of a later state of it')
      return { place: { position: BigInt(position), id, userId }, sinceMs }
    },
  }
}

const expired = (field: string, expected: string) =>
  new AppError(
    'CURSOR_EXPIRED',
    `Expected \`${field}\` to be a cursor ${expected}. Read what is there, and begin anew without it.`,
  )
