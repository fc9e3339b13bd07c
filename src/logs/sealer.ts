import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import type { Sight } from '../auth/sight.ts'

/**
 * Encrypts what a cursor holds, so that it shows nothing of the database: positions count the logs of all users. A sealed
 * cursor opens only for the scope and the kind that it was made for, and only unchanged.
 */
export interface Sealer {
  /** URL-safe text. Its length depends on the length of `content` in steps of the block only. */
  seal(content: Buffer): string
  /** The sealed content; undefined for any other text. */
  open(sealed: string): Buffer | undefined
}

export interface SealerOptions {
  /** The same for every process that must open what is sealed. */
  readonly secret: string
  readonly sight: Sight
  /** The kind of content, such as `page`. */
  readonly kind: string
  /** Contents are filled up to a multiple of this, in bytes. */
  readonly blockBytes: number
}

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const MAX_LENGTH = 2_000

/**
 * AES-256-GCM with a nonce that is a MAC of the content. So no nonce comes twice with other content, however many cursors
 * there are, and equal contents have equal cursors in every process.
 */
export function createSealer({ secret, sight, kind, blockBytes }: SealerOptions): Sealer {
  const scope = sight.only === 'user' ? `user:${sight.userId}` : 'everyone'
  const context = Buffer.from(`${kind}\u0000${scope}`)
  const keys = Buffer.from(hkdfSync('sha256', secret, '', 'connlog cursors', 2 * KEY_BYTES))
  const [key, nonceKey] = [keys.subarray(0, KEY_BYTES), keys.subarray(KEY_BYTES)]

  return {
    seal: (content) => {
      const padded = pad(content, blockBytes)
      const nonce = createHmac('sha256', nonceKey)
        .update(context)
        .update('\u0000')
        .update(padded)
        .digest()
        .subarray(0, NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(context)
      const encrypted = Buffer.concat([cipher.update(padded), cipher.final()])
      return Buffer.concat([nonce, encrypted, cipher.getAuthTag()]).toString('base64url')
    },

    open: (sealed) => {
      if (sealed.length > MAX_LENGTH) return undefined
      const bytes = Buffer.from(sealed, 'base64url')
      // The decoder skips what is no base64url.
      if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== sealed) return undefined
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAAD(context).setAuthTag(bytes.subarray(-TAG_BYTES))
      try {
        const padded = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]
        return unpad(Buffer.concat(padded))
      } catch {
        return undefined
      }
    },
  }
}

/** The length of the content comes first, in two bytes. */
function pad(content: Buffer, blockBytes: number): Buffer {
  const padded = Buffer.alloc(Math.ceil((content.length + 2) / blockBytes) * blockBytes)
  padded.writeUInt16BE(content.length)
  content.copy(padded, 2)
  return padded
}

const unpad = (padded: Buffer): Buffer => padded.subarray(2, 2 + padded.readUInt16BE())
