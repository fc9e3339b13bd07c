import { crc32 } from 'node:zlib'
import type { ConnectionLog } from './event.ts'

/**
 * The one tokenizer behind `search`: databases index what it cuts and never cut words themselves. A word is a run of
 * letters, digits and combining marks of any script, compared in lower case after Unicode NFKC.
 */
const WORD = /[\p{L}\p{N}\p{M}]+/gu

/** The same in texts of ASCII alone, which NFKC leaves as they are; several times quicker, and nearly all texts are. */
const ASCII = /^[\0-\x7f]*$/
const ASCII_WORD = /[a-z\d]+/g

/** Longest word that `search` takes, in characters; stored words are cut to it, which keeps "begins with" exact. */
export const MAX_WORD_LENGTH = 64

/** The distinct words of a text, in the order of their first appearance. */
export function wordsOf(text: string): string[] {
  const words = ASCII.test(text)
    ? text.toLowerCase().match(ASCII_WORD)
    : text.normalize('NFKC').toLowerCase().match(WORD)
  return [...new Set(words)]
}

/** The words of the parts of a log that `search` looks at. */
export function wordsOfLog({ error, success }: Pick<ConnectionLog, 'error' | 'success'>): string[] {
  const texts = [error?.code, error?.message, success?.username, success?.displayName]
  const words = texts.flatMap((text) => (text === undefined ? [] : wordsOf(text)))
  return [...new Set(words.map(shortened))]
}

const shortened = (word: string): string =>
  word.length <= MAX_WORD_LENGTH ? word : Array.from(word).slice(0, MAX_WORD_LENGTH).join('')

/**
 * Marks a word with its tenant, so that one tenant's search never walks through another's words. No word holds a `_`:
 * as it comes first, no word begins a marked term, and as it comes last, no mark begins another.
 */
export const termOfTenant = (userId: string, word: string): string => markOf(userId) + word

const markOf = (userId: string): string => `_${crc32(userId).toString(36)}_`

/** What is stored and indexed for a log: every word alone and every word marked with the tenant; null for none. */
export function termsOf(log: Pick<ConnectionLog, 'error' | 'success' | 'userId'>): string | null {
  const words = wordsOfLog(log)
  if (words.length === 0) return null
  const mark = markOf(log.userId ?? '')
  return [...words, ...words.map((word) => mark + word)].join(' ')
}
