import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { fetchFailureOf } from '../kernel/fetch-failure.ts'
import { dataOf, failureOf, notOurs } from './answer.ts'
import { readBlocks } from './server-sent-events.ts'

export interface RemoteOptions {
  /** Of GraphQL. The key goes to this address alone: redirects are not followed. */
  readonly address: URL
  readonly key: string
  readonly userAgent: string
  readonly fetch: typeof globalThis.fetch
  readonly clock: Clock
  /** Ends what is under way. */
  readonly stop: AbortSignal
}

/** What a subscription has given. */
export interface Heard {
  /** Where to go on from, for who has seen this and all before it. */
  readonly cursor: string
  /** Undefined where nothing matched, and the cursor alone has moved on. */
  readonly data: unknown
}

/**
 * GraphQL of a connlog service. Whatever fails is an {@link AppError}: what the service says as it says it, what may be
 * otherwise the next time, such as a network that is away, as SERVICE_UNAVAILABLE.
 */
export interface Remote {
  /** @returns the data of a query */
  ask(query: string, variables: object): Promise<unknown>
  /** It ends with an error, or because the reader or `stop` ends it. */
  subscribe(query: string, variables: object): AsyncGenerator<Heard, void, undefined>
}

/** How long an answer may take to begin, and one to a query to come in whole, in milliseconds. */
export const ANSWER_TIMEOUT_MS = 90 * SECOND_MS

/** How long a stream may say nothing: two of the longest heartbeats that a service can have, and a half. */
export const SILENCE_MS = 150 * SECOND_MS

export function createRemote({ address, key, userAgent, fetch, clock, stop }: RemoteOptions): Remote {
  /** One request, from beginning to end. Time that the reader takes for himself is not counted. */
  function begin(accept: string, query: string, variables: object) {
    const request = new AbortController()
    const end = () => request.abort()
    let overdue: string | undefined
    stop.addEventListener('abort', end)

    return {
      end: () => {
        stop.removeEventListener('abort', end)
        // Lets go of a body that nobody has read to its end.
        end()
      },
      /** @returns what `work` does, unless that takes too long */
      within: async <T>(ms: number, work: () => Promise<T>): Promise<T> => {
        const over = new AbortController()
        void clock.sleep(ms, over.signal).then(() => {
          if (over.signal.aborted) return
          overdue = `said nothing for ${ms / SECOND_MS} seconds`
          end()
        })
        try {
          stop.throwIfAborted()
          return await work()
        } catch (error) {
          stop.throwIfAborted()
          throw error instanceof AppError ? error : failed(error, overdue)
        } finally {
          over.abort()
        }
      },
      send: () =>
        fetch(address, {
          method: 'POST',
          headers: {
            accept,
            authorization: `Bearer ${key}`,
            'content-type': 'application/json',
            'user-agent': userAgent,
          },
          body: JSON.stringify({ query, variables }),
          redirect: 'manual',
          signal: request.signal,
        }),
    }
  }

  return {
    ask: async (query, variables) => {
      const { within, send, end } = begin('application/json', query, variables)
      try {
        return await within(ANSWER_TIMEOUT_MS, async () => {
          const response = await send()
          const text = await response.text()
          if (response.status !== 200) throw failureOf(response, text, address)
          return dataOf(text)
        })
      } finally {
        end()
      }
    },

    subscribe: async function* (query, variables) {
      const { within, send, end } = begin('text/event-stream', query, variables)
      async function* chunks({ body }: Response): AsyncGenerator<Uint8Array, void, undefined> {
        const reader = body?.getReader()
        for (;;) {
          const read = await within(SILENCE_MS, async () => reader?.read())
          if (!read || read.done) return
          yield read.value
        }
      }
      try {
        const response = await within(ANSWER_TIMEOUT_MS, async () => {
          const response = await send()
          if (response.status !== 200) throw failureOf(response, await response.text(), address)
          return response
        })
        if (!response.headers.get('content-type')?.startsWith('text/event-stream'))
          throw notOurs('what is no stream of events')
        let cursor: string | undefined
        for await (const { id, event, data } of readBlocks(chunks(response))) {
          if (event === 'complete') break
          const content = event === 'next' && data !== undefined ? dataOf(data) : undefined
          cursor = id ?? cursor
          if (cursor !== undefined) yield { cursor, data: content }
        }
        throw new AppError('SERVICE_UNAVAILABLE', 'The service has ended the stream, or it was cut off.')
      } finally {
        end()
      }
    },
  }
}

function failed(error: unknown, overdue: string | undefined): AppError {
  if (overdue !== undefined) return new AppError('SERVICE_UNAVAILABLE', `The service ${overdue}.`)
  const { code, isHopeless } = fetchFailureOf(error)
  if (isHopeless)
    return new AppError(
      'BAD_USER_INPUT',
      `There is no safe connection to the service: ${code}. Is the address right?`,
    )
  const why = code === '' ? '' : `: ${code}`
  return new AppError('SERVICE_UNAVAILABLE', `The service could not be reached, or broke off${why}.`)
}
