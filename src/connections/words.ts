import { crc32 } from 'node:zlib'
import type { ConnectionLog } from './event.ts'

/**
 * The version of {@link fold} and of how words are cut. When it grows, running services rewrite the terms that are stored
 * (logs/rewrite-terms.ts).
 */
export const FOLDING_VERSION = 1

/**
 * A text in the form in which `search` compares it: Unicode full case folding of the compatibility decomposition. Texts
 * that differ only in case (ß and SS too), in width or in how accents were typed have the same form, and the beginning of
 * a text has the beginning of its form.
 *
 * - Upper case comes between two lower ones, since only that takes ß apart and unites the letters of a Cherokee pair.
 * - It stays decomposed: composed, "e" would not begin an "é" that was typed as two characters.
 * - The Turkish ı and İ become i, unlike in the default folding, which is of no language. By that, neither would YILDIZ
 *   find Yıldız, nor istanbul İSTANBUL.
 * - Variation selectors choose a glyph and do not change the letter.
 */
export const fold = (text: string): string =>
  text
    .replaceAll(/\p{Variation_Selector}/gu, '')
    .normalize('NFKD')
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKD')
    // `toLowerCase` chooses between the two by the place in the word.
    .replaceAll('ς', 'σ')
    .replaceAll(/i\p{M}+/gu, (letter) => letter.replaceAll('\u0307', ''))

/**
 * The one tokenizer behind `search`: databases index what it cuts and never cut words themselves. A word begins with a
 * letter or digit of any script, and goes on with those and combining marks.
 */
const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu

/** The same in texts of ASCII only, which only have to be put into lower case; several times quicker, and nearly all texts are. */
const ASCII = /^[\0-\x7f]*$/
const ASCII_WORD = /[a-z\d]+/g

/** Longest word that `search` takes, in characters after folding; stored words are cut to it, which keeps "begins with" exact. */
export const MAX_WORD_LENGTH = 64

/** The distinct words of a text, in the order of their first appearance. */
export function wordsOf(text: string): string[] {
  const words = ASCII.test(text) ? text.toLowerCase().match(ASCII_WORD) : fold(text).match(WORD)
  return [...new Set(words)]
}

/** The words of the parts of a log that `search` looks at. */
export function wordsOfLog(log: Searched): string[] {
  const words = textsOf(log).flatMap(wordsOf)
  return [...new Set(words.map(shortened))]
}

const knownWords = new WeakMap<Searched, readonly string[]>()

/** {@link wordsOfLog} of a log that is compared with the filters of many subscribers: cut once. */
export function sharedWordsOfLog(log: Searched): readonly string[] {
  const words = knownWords.get(log) ?? wordsOfLog(log)
  knownWords.set(log, words)
  return words
}

type Searched = Pick<ConnectionLog, 'error' | 'success'>

const textsOf = ({ error, success }: Searched): string[] =>
  [error?.code, error?.message, success?.username, success?.displayName].filter((text) => text !== undefined)

/** Whether the words of a log are the same in every version of the folding. */
export const isFoldingStable = (log: Searched): boolean => textsOf(log).every((text) => ASCII.test(text))

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
