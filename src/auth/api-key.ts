import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { show } from '../kernel/errors.ts'

/**
 * A key reads `clk_<id>_<secret><checksum>`: an id of 10 characters by which it is looked up and shown, a secret of
 * 32 random characters in base 62 (190 bits), and a CRC-32 of all before it in 6 characters, so that a mistyped or
 * made-up key is refused without asking the database. Only the SHA-256 of the key is stored; with that much
 * randomness a slow hash would add nothing.
 */
const KEY = /^clk_([0-9A-Za-z]{10})_[0-9A-Za-z]{32}[0-9A-Za-z]{6}$/
const ID_LENGTH = 10
const SECRET_LENGTH = 32
const CHECKSUM_LENGTH = 6
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

export interface NewApiKey {
  /** The key itself, to be shown once. */
  readonly key: string
  readonly id: string
  /** SHA-256 of the key, in lower-case hex. */
  readonly hash: string
}

export function makeApiKey(): NewApiKey {
  const id = randomText(ID_LENGTH)
  const body = `clk_${id}_${randomText(SECRET_LENGTH)}`
  const key = body + checksum(body)
  return { key, id, hash: hashApiKey(key) }
}

/** The id inside a key, or undefined where form or checksum are wrong. Asks nobody. */
export function apiKeyId(key: string): string | undefined {
  const id = KEY.exec(key)?.[1]
  return id !== undefined && checksum(key.slice(0, -CHECKSUM_LENGTH)) === key.slice(-CHECKSUM_LENGTH)
    ? id
    : undefined
}

/**
 * The id in what was given as one: whoever has to revoke a key in a hurry has the key, and pastes that. What is no key
 * is returned as it is.
 */
export const keyIdIn = (given: string): string =>
  /^\s*(?:Bearer\s+)?clk_([0-9A-Za-z]{10})(?:_\S*)?\s*$/i.exec(given)?.[1] ?? given

/** An id of a key in a sentence. One with a typo is shown; what could be a key is not. */
export const showKeyId = (id: string): string => (/^[0-9A-Za-z]{1,12}$/.test(id) ? `"${id}"` : show(id))

export function hashApiKey(key: string): string {
  return hash('sha256', key)
}

/** Whether `key` is the one whose hash is `stored`, in a time that does not depend on how much of it is right. */
export function isHashOf(stored: string, key: string): boolean {
  return timingSafeEqual(Buffer.from(stored, 'hex'), hash('sha256', key, 'buffer'))
}

/** RFC 6750, section 2.1; the scheme is compared without regard to case (RFC 9110, section 11.1). */
export const BEARER = /^Bearer +(\S+) *$/i

function randomText(length: number): string {
  let text = ''
  while (text.length < length) {
    // 248 is the largest multiple of 62 in a byte: what lies above would favour the first characters.
    for (const byte of randomBytes(length))
      if (byte < 248 && text.length < length) text += ALPHABET.charAt(byte % 62)
  }
  return text
}

function checksum(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let place = 0; place < CHECKSUM_LENGTH; place += 1) {
    digits = ALPHABET.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}
