import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Sight } from '../auth/sight.ts'
import type { Position } from '../database/dialect.ts'
import { AppError, badInput } from '../kernel/errors.ts'
import { type Horizon, expiryCutoffMs } from './query.ts'

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

const SIGNATURE_BYTES = 12
const MAX_CURSOR_LENGTH = 1_000
const POSITION = /^1:(\d{1,16}):(.+)$/s

/** @param secret the same for every process that must understand the cursor */
export function createCursorCodec(secret: string, sight: Sight): CursorCodec {
  const reach = sight.only === 'user' ? `user:${sight.userId}` : 'everyone'
  const signature = (text: string) =>
    createHmac('sha256', secret).update(`${reach}\u0000${text}`).digest().subarray(0, SIGNATURE_BYTES)

  function encode({ createdAt, id }: Position): string {
    const text = `1:${createdAt}:${id}`
    return `${Buffer.from(text).toString('base64url')}.${signature(text).toString('base64url')}`
  }

  /** The position, if the cursor is letter for letter the one that it would be given. */
  function positionOf(cursor: string): Position | undefined {
    const [body = ''] = cursor.split('.', 1)
    const [, createdAt, id] = POSITION.exec(Buffer.from(body, 'base64url').toString('utf8')) ?? []
    if (id === undefined) return undefined
    const position = { createdAt: Number(createdAt), id }
    const [given, expected] = [Buffer.from(cursor), Buffer.from(encode(position))]
    return given.length === expected.length && timingSafeEqual(given, expected) ? position : undefined
  }

  return {
    encode,
    decode: (cursor, field, horizon) => {
      const position = cursor.length <= MAX_CURSOR_LENGTH ? positionOf(cursor) : undefined
      if (!position) throw badInput(field, 'a cursor that this API gave to a key of the same reach', cursor)
      if (position.createdAt > expiryCutoffMs(horizon)) return position
      throw new AppError(
        'CURSOR_EXPIRED',
        `Expected \`${field}\` to be a cursor within the retention, got one whose place has expired. Begin anew without it.`,
      )
    },
  }
}
