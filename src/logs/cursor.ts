import type { Sight } from '../auth/sight.ts'
import type { Position } from '../database/dialect.ts'
import { AppError, badInput } from '../kernel/errors.ts'
import { type Horizon, expiryCutoffMs } from './query.ts'
import { createSealer } from './sealer.ts'

/**
 * A cursor is a position in the order of all logs, not a log: it stays valid when logs are added around it and when the
 * log it came from is gone. It is encrypted for one scope, so one that was made up, or passed from one tenant to another,
 * is rejected. It holds `createdAt` in ms as a double, and the id.
 */
export interface CursorCodec {
  encode(position: Position): string
  /**
   * @param field what the caller calls it, such as `after`
   * @throws {AppError} BAD_USER_INPUT for what is no cursor of this sight; CURSOR_EXPIRED once its position has expired
   */
  decode(cursor: string, field: string, horizon: Horizon): Position
}

/** With an id of 36 characters, as connlog makes them, all cursors have 102 characters. */
const BLOCK_BYTES = 48
const ID_AT = 8

/** @param secret the same for every process that must understand the cursor */
export function createCursorCodec(secret: string, sight: Sight): CursorCodec {
  const sealer = createSealer({ secret, sight, kind: 'page', blockBytes: BLOCK_BYTES })

  return {
    encode: ({ createdAt, id }) => {
      const content = Buffer.alloc(ID_AT + Buffer.byteLength(id))
      content.writeDoubleBE(createdAt)
      content.write(id, ID_AT)
      return sealer.seal(content)
    },
    decode: (cursor, field, horizon) => {
      const content = sealer.open(cursor)
      if (!content) throw badInput(field, 'a cursor that this API gave to a key of the same reach', cursor)
      const position = { createdAt: content.readDoubleBE(), id: content.toString('utf8', ID_AT) }
      if (position.createdAt > expiryCutoffMs(horizon)) return position
      throw new AppError(
        'CURSOR_EXPIRED',
        `Expected \`${field}\` to be a cursor within the retention, got one whose place has expired. Begin anew without it.`,
      )
    },
  }
}
