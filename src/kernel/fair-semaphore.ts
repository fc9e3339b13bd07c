import type { Clock } from './clock.ts'
import { ENDED } from './ended.ts'
import { AppError } from './errors.ts'

/** Lets a limited number of things happen at once, and divides the places fairly between those who ask, by key. */
export interface FairSemaphore {
  /**
   * Runs `work` as soon as the key gets a place.
   * @throws {AppError} SERVICE_UNAVAILABLE, without running it, where `signal` is aborted before that; or what the limit says
   */
  run<T>(key: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>
}

export interface FairSemaphoreOptions {
  /** How many may run at once. */
  readonly places: number
  /** The percentage of the places that one key may hold while others wait; never less than one place. */
  readonly sharePercent: number
  /** How long one may wait for a place, and the error that is thrown after that; without it, until the signal. */
  readonly limit?:
    | { readonly waitMs: number; readonly clock: Clock; readonly error: () => AppError }
    | undefined
}

interface Holder {
  held: number
  /** In the order of arrival. */
  readonly waiting: Set<() => void>
}

/**
 * A key always gets its share of the places when they are free. Beyond its share, a key gets a place only while as many as
 * a share stay free, so that a key that comes next finds some; and of the keys that want more than their share, the one
 * that holds fewest comes first. Keys that hold equally many are served in turn.
 */
export function createFairSemaphore({ places, sharePercent, limit }: FairSemaphoreOptions): FairSemaphore {
  const share = Math.max(1, Math.floor((places * sharePercent) / 100))
  const kept = Math.min(share, places - 1)
  const holders = new Map<string, Holder>()
  /** Keys that wait, in the order in which they came or were served last. */
  const queue = new Map<string, Holder>()
  let free = places

  const mayTake = ({ held }: Holder) => free > (held < share ? 0 : kept)

  /** The key that holds fewest, and of those the one that has waited longest since it was served. */
  function next(): [string, Holder] | undefined {
    let best: [string, Holder] | undefined
    for (const entry of queue) if (!best || entry[1].held < best[1].held) best = entry
    return best && mayTake(best[1]) ? best : undefined
  }

  function take(holder: Holder): void {
    free -= 1
    holder.held += 1
  }

  function serve(): void {
    for (let found = next(); found; found = next()) {
      const [key, holder] = found
      const [start] = holder.waiting
      if (!start) throw new TypeError('a key waits for nothing')
      holder.waiting.delete(start)
      queue.delete(key)
      if (holder.waiting.size > 0) queue.set(key, holder)
      take(holder)
      start()
    }
  }

  function leave(key: string, holder: Holder): void {
    free += 1
    holder.held -= 1
    forget(key, holder)
    serve()
  }

  function forget(key: string, { held, waiting }: Holder): void {
    if (held === 0 && waiting.size === 0) holders.delete(key)
  }

  function wait(key: string, holder: Holder, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const ended = new AbortController()
      const end = () => {
        ended.abort(ENDED)
        signal?.removeEventListener('abort', leaves)
      }
      const giveUp = (error: AppError) => {
        end()
        holder.waiting.delete(start)
        if (holder.waiting.size === 0) queue.delete(key)
        forget(key, holder)
        reject(error)
      }
      const leaves = () => giveUp(over())
      const start = () => {
        end()
        resolve()
      }
      void limit?.clock
        .sleep(limit.waitMs, ended.signal)
        .then(() => ended.signal.aborted || giveUp(limit.error()))
      holder.waiting.add(start)
      if (!queue.has(key)) queue.set(key, holder)
      signal?.addEventListener('abort', leaves)
    })
  }

  return {
    run: async (key, work, signal) => {
      if (signal?.aborted) throw over()
      const holder = holders.get(key) ?? { held: 0, waiting: new Set() }
      holders.set(key, holder)
      if (holder.waiting.size === 0 && mayTake(holder)) take(holder)
      else await wait(key, holder, signal)
      try {
        return await work()
      } finally {
        leave(key, holder)
      }
    },
  }
}

/** Nobody reads it. */
const over = () => new AppError('SERVICE_UNAVAILABLE', 'The request is over.')
