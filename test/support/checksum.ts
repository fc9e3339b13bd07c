import { crc32 } from 'node:zlib'

/** CRC-32 in six digits of base 62, as keys end with it. */
export function checksum(text: string): string {
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  return [5, 4, 3, 2, 1, 0]
    .map((place) => alphabet.charAt(Math.floor(crc32(text) / 62 ** place) % 62))
    .join('')
}
