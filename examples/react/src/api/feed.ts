import { type ExecutionResult, createClient } from 'graphql-sse'
import { type Refusal, refusalOf } from './refusal.ts'
import { fetchUnlessSilent } from './silence.ts'

type Extensions = Record<string, unknown>
type Result = ExecutionResult<Record<string, unknown>, Extensions>

/** Whether what is recorded now arrives. */
export type FeedState =
  | { readonly is: 'connecting' | 'live' }
  | { readonly is: 'reconnecting' | 'ended'; readonly why: string }

/** A subscription whose events carry a `cursor`, to be given to the variable `after`. */
export interface Followed {
  readonly query: string
  readonly variables?: object | undefined
}

interface Sink {
  next(result: Result): void
  complete(): void
}

/** Follows subscriptions however often they are cut off: each goes on behind the last event that came. */
export interface Feed {
  read(): FeedState
  subscribe(listener: () => void): () => void
  /** @returns what ends it */
  follow(followed: Followed, sink: Sink): () => void
}

const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 30_000

export function createFeed(url: string, headers: Record<string, string>): Feed {
  const listeners = new Set<() => void>()
  let state: FeedState = { is: 'connecting' }

  const become = (next: FeedState) => {
    state = next
    for (const listener of listeners) listener()
  }

  const follow = ({ query, variables = {} }: Followed, sink: Sink): (() => void) => {
    const ended = new AbortController()
    let after: string | undefined
    let failures = 0

    const take = (result: Result) => {
      after = cursorOf(result) ?? after
      failures = 0
      sink.next(result)
    }
    const run = async () => {
      become({ is: 'connecting' })
      while (!ended.signal.aborted) {
        const begunMs = performance.now()
        const refusal = await connect(after === undefined ? variables : { ...variables, after }, take)
        if (ended.signal.aborted) return
        // One that has held does not count among those that fail in a row.
        if (performance.now() - begunMs > LONGEST_WAIT_MS) failures = 0
        if (refusal.isFinal) {
          become({ is: 'ended', why: refusal.message })
          sink.next({ errors: refusal.errors })
          return sink.complete()
        }
        become({ is: 'reconnecting', why: refusal.message })
        await wait(refusal.retryAfterMs + waitMs(failures), ended.signal)
        failures += 1
      }
    }
    /** Resolves when the connection is over, and says why. */
    const connect = (variables: object, take: (result: Result) => void) =>
      new Promise<Refusal>((resolve) => {
        const client = createClient({
          url,
          headers,
          // It would try again with the cursor of the beginning.
          retryAttempts: 0,
          fetchFn: fetchUnlessSilent,
        })
        const end = (ending: unknown) => {
          ended.signal.removeEventListener('abort', end)
          dispose()
          void refusalOf(ending).then(resolve)
        }
        const dispose = client.subscribe<Record<string, unknown>, Extensions>(
          { query, variables: { ...variables } },
          {
            next: (result) => (result.errors ? end(result) : take(result)),
            error: end,
            complete: () => end(undefined),
          },
          { connected: () => become({ is: 'live' }) },
        )
        ended.signal.addEventListener('abort', end)
      })

    void run()
    return () => {
      ended.abort()
      become({ is: 'connecting' })
    }
  }

  return {
    read: () => state,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    follow,
  }
}

/** The cursor of the event, which stands in the one root field of a subscription. */
function cursorOf({ data }: Result): string | undefined {
  const [event] = Object.values(data ?? {})
  if (typeof event !== 'object' || event === null || !('cursor' in event)) return undefined
  return typeof event.cursor === 'string' ? event.cursor : undefined
}

/** Twice as long each time, and by chance up to half of it less, so that not all pages come back together. */
const waitMs = (failures: number) =>
  Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS) * (1 - Math.random() / 2)

/** Ends sooner when the network is back, or nobody waits any more. */
const wait = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer)
      removeEventListener('online', end)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    addEventListener('online', end)
    signal.addEventListener('abort', end)
  })
