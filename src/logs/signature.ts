import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Sight } from '../auth/sight.ts'

/**
 * Makes texts opaque and signs them for one sight, so that one made up, or handed from one tenant to another, is told
 * from a good one.
 */
export interface Signer {
  sign(text: string): string
  /** The text, if what is given is letter for letter what `sign` would give for it; else undefined. */
  read(signed: string): string | undefined
}

const SIGNATURE_BYTES = 12
const MAX_LENGTH = 2_000

/** @param secret the same for every process that must understand what is signed */
export function createSigner(secret: string, sight: Sight): Signer {
  const reach = sight.only === 'user' ? `user:${sight.userId}` : 'everyone'
  const signature = (text: string) =>
    createHmac('sha256', secret).update(`${reach}\u0000${text}`).digest().subarray(0, SIGNATURE_BYTES)

  const sign: Signer['sign'] = (text) =>
    `${Buffer.from(text).toString('base64url')}.${signature(text).toString('base64url')}`

  return {
    sign,
    read: (signed) => {
      if (signed.length > MAX_LENGTH) return undefined
      const [body = ''] = signed.split('.', 1)
      const text = Buffer.from(body, 'base64url').toString('utf8')
      const [given, expected] = [Buffer.from(signed), Buffer.from(sign(text))]
      return given.length === expected.length && timingSafeEqual(given, expected) ? text : undefined
    },
  }
}
