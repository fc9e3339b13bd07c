import { LRUCache } from 'lru-cache'
import { MAX_REMEMBERED_DOCUMENT, MAX_REMEMBERED_LENGTH } from '../graphql/gate.ts'

const MAX_REMEMBERED = 1_000

/** What came of the text of a document. Like the gate it is bounded by length: a thousand long texts fill the memory. */
export const createDocumentCache = <T extends object>(): LRUCache<string, T> =>
  new LRUCache<string, T>({
    max: MAX_REMEMBERED,
    maxSize: MAX_REMEMBERED_LENGTH,
    maxEntrySize: MAX_REMEMBERED_DOCUMENT + 1,
    sizeCalculation: (_, text) => text.length + 1,
  })
