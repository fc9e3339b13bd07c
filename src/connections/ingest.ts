import { AppError } from '../kernel/errors.ts'
import type { ConnectionLogs } from './connection-logs.ts'
import type { Sent } from './record.ts'

/** A value to be recorded, or the sentence that says why there is none; and what it takes of memory. */
export type Item = { readonly bytes: number } & ({ readonly sent: Sent } | { readonly error: string })

/** What became of an item. */
export type Ingested<I> = { readonly item: I } & (
  | { readonly result: 'accepted' | 'duplicate'; readonly id: string }
  | { readonly result: 'rejected'; readonly error: string }
)

/** Items of a stream, in which `pause` stands where it went silent. */
export type Items<I> = AsyncIterable<I | 'pause'> | Iterable<I | 'pause'>

/** Items that are stored together. The more there are, the fewer pages are written twice; the longer others wait. */
const MAX_BATCH_ITEMS = 5_000

/** Bytes of items that are stored together: what a batch takes of memory, however large the items are. */
const MAX_BATCH_BYTES = 8_388_608

/** How long items that come slowly, and without a pause, are collected, in milliseconds. */
const MAX_COLLECTING_MS = 250

/** While the database stores one batch, the next is read and checked. */
const MAX_BATCHES_UNDER_WAY = 2

/**
 * Records a stream of items in batches, each item for itself, and yields what became of them in order, as soon as their
 * batch is committed. Some batches are held in memory, however long the stream is. A pause stores what has come so far.
 * @throws whatever the stream throws; {@link AppError} SERVICE_UNAVAILABLE if the database cannot go on. All that was
 *   committed before has been yielded by then.
 */
export async function* ingest<I extends Item>(
  items: Items<I>,
  logs: ConnectionLogs,
  steadyMs: () => number,
): AsyncGenerator<Ingested<I>[], void> {
  const underWay: Promise<Ingested<I>[]>[] = []
  const next = async () => {
    const results = (await underWay[0]) ?? []
    void underWay.shift()
    return results
  }
  try {
    for await (const batch of batchesOf(items, steadyMs)) {
      if (batch === 'pause') {
        while (underWay.length > 0) yield await next()
        continue
      }
      const stored = store(batch, logs)
      // Whoever waits for it hears of its failure; nobody may be waiting yet.
      stored.catch(() => undefined)
      underWay.push(stored)
      if (underWay.length === MAX_BATCHES_UNDER_WAY) yield await next()
    }
    while (underWay.length > 0) yield await next()
  } catch (error) {
    // The stream has failed: what was under way is yielded all the same, unless that has failed before.
    for (const settled of await Promise.allSettled(underWay)) {
      if (settled.status === 'rejected') break
      yield settled.value
    }
    throw error
  } finally {
    await Promise.allSettled(underWay)
  }
}

async function store<I extends Item>(batch: readonly I[], logs: ConnectionLogs): Promise<Ingested<I>[]> {
  const outcomes = await logs.recordEach(batch.flatMap((item) => ('sent' in item ? [item.sent] : [])))
  const next = outcomes.values()
  return batch.map((item): Ingested<I> => {
    if ('error' in item) return { item, result: 'rejected', error: item.error }
    const outcome = next.next().value
    if (!outcome) throw new TypeError('an item has no outcome')
    if (outcome instanceof AppError) return { item, result: 'rejected', error: outcome.message }
    return { item, result: outcome.created ? 'accepted' : 'duplicate', id: outcome.log.id }
  })
}

async function* batchesOf<I extends Item>(
  items: Items<I>,
  steadyMs: () => number,
): AsyncGenerator<I[] | 'pause'> {
  let batch: I[] = []
  let bytes = 0
  let beganMs = 0
  for await (const item of items) {
    if (item !== 'pause') {
      if (batch.length === 0) beganMs = steadyMs()
      batch.push(item)
      bytes += item.bytes
      const isFull = batch.length >= MAX_BATCH_ITEMS || bytes >= MAX_BATCH_BYTES
      if (!isFull && steadyMs() - beganMs < MAX_COLLECTING_MS) continue
    }
    if (batch.length > 0) yield batch
    batch = []
    bytes = 0
    if (item === 'pause') yield item
  }
  if (batch.length > 0) yield batch
}
