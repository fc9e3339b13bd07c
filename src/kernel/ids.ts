import { randomFillSync, randomInt } from 'node:crypto'
import { v7 } from 'uuid'
import { LATEST_MS } from './instant.ts'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const SEQUENCE_LIMIT = 2 ** 32

const BYTES_OF_AN_ID = 16

/** Random bytes are had by the thousand: to ask for each id's takes longer than to make it. */
const BYTES_AT_ONCE = 4_096

/** Length of every id that {@link createIdMint} makes, in characters. */
export const MINTED_ID_LENGTH = 36

/**
 * Makes UUIDv7 ids (RFC 9562, section 5.7) whose 48-bit time is the instant given. Ids made one after another for
 * the same millisecond sort in the order they were made: the 32 bits after the time count up from a random start.
 */
export function createIdMint(): (atMs: number) => string {
  let lastMs = Number.NaN
  let sequence = 0
  const pool = new Uint8Array(BYTES_AT_ONCE)
  let used = BYTES_AT_ONCE

  function randomBytes(): Uint8Array {
    if (used === BYTES_AT_ONCE) {
      randomFillSync(pool)
      used = 0
    }
    used += BYTES_OF_AN_ID
    return pool.subarray(used - BYTES_OF_AN_ID, used)
  }

  return (atMs) => {
    sequence = atMs === lastMs ? (sequence + 1) % SEQUENCE_LIMIT : randomInt(SEQUENCE_LIMIT / 2)
    lastMs = atMs
    return v7({ msecs: atMs, seq: sequence, random: randomBytes() })
  }
}

/**
 * The instant inside a UUIDv7 in lower case, in milliseconds since the epoch; undefined for any other text, and for an
 * instant past the year 9999, which no log has.
 */
export function idTimeMs(id: string): number | undefined {
  const ms = UUID_V7.test(id) ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : Number.NaN
  return ms <= LATEST_MS ? ms : undefined
}
