import type { Sight } from '../auth/sight.ts'
import type { Position } from '../database/dialect.ts'
import { AppError, badInput } from '../kernel/errors.ts'
import { type Horizon, expiryCutoffMs } from './query.ts'
import { createSigner } from './signature.ts'

/**
 * A cursor is a position in the order of all logs, not a log: it stays good when logs are added around it and when the
 * log it came from is gone. It is signed for one sight, so that one made up or handed from one tenant to another is told
 * from a good one. Opaque to callers; version 1 reads `1:<createdAt in ms>:<id>`, a dot, the signature.
 */
export interface CursorCodec {
  encode(position: Position): string
  /**
   * @param field what the caller calls it, such as `after`
   * @throws {AppError} BAD_USER_INPUT for what is no cursor of this sight; CURSOR_EXPIRED once its position has expired
   */
  decode(cursor: string, field: string, horizon: Horizon): Position
}

const POSITION = /^1:(\d{1,16}):(.+)$/s

/** @param secret the same for every process that must understand the cursor */
export function createCursorCodec(secret: string, sight: Sight): CursorCodec {
  const signer = createSigner(secret, sight)

  function positionOf(cursor: string): Position | undefined {
    const [, createdAt, id] = POSITION.exec(signer.read(cursor) ?? '') ?? []
    return id === undefined ? undefined : { createdAt: Number(createdAt), id }
  }

  return {
    encode: ({ createdAt, id }) => signer.sign(`1:${createdAt}:${id}`),
    decode: (cursor, field, horizon) => {
      const position = positionOf(cursor)
      if (!position) throw badInput(field, 'a cursor that this API gave to a key of the same reach', cursor)
      if (position.createdAt > expiryCutoffMs(horizon)) return position
      throw new AppError(
        'CURSOR_EXPIRED',
        `Expected \`${field}\` to be a cursor within the retention, got one whose place has expired. Begin anew without it.`,
      )
    },
  }
}
