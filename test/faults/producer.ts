import { Agent, request } from 'node:http'
import { assertNever } from '../../src/kernel/errors.ts'
import type { Attempt, FaultEvent, Outcome } from './history.ts'

/** An event to be sent: who it is of (null: nobody is known), and the producer's id of it. */
export interface SentEvent extends FaultEvent {
  readonly userId: string | null
  readonly eventId: string
}

export const sentEvent = (userId: string | null, eventId: string, content: number): SentEvent => ({
  key: `${userId ?? ''}/${eventId}`,
  userId,
  eventId,
  content,
})

/** The ways in. The first two take one event at a time; lists are all or nothing, lines fare each for itself. */
export const DOORS = ['graphql', 'rest', 'graphql-list', 'rest-list', 'lines'] as const
export type Door = (typeof DOORS)[number]

export const isSingle = (door: Door) => door === 'graphql' || door === 'rest'

/** What became of a request, event by event. */
export interface Answer {
  readonly outcomes: readonly Outcome[]
  /** A word for what came back: `ok`, a code of ours, or `cut` where nothing did. */
  readonly word: string
  /** For which event a list was refused, where the answer says so. */
  readonly refusedAt?: number
  /** Of the first event that was acknowledged alone: whether it was stored by this request, and the log's id. */
  readonly created?: boolean
  readonly id?: string
}

/** A client over sockets of its own that remembers what it was told. */
export interface Producer {
  send(door: Door, events: readonly SentEvent[]): Promise<Answer>
  stop(): void
}

export interface ProducerOptions {
  readonly port: () => number
  readonly key: string
  /** Where what is learnt is written down. */
  readonly history: Attempt[]
  /** How often each word came back. */
  readonly words: Map<string, number>
  /** False for the control: events are sent without their ids. */
  readonly withEventIds?: boolean
  /** What was answered with a status of 500 or more. */
  readonly failures?: Set<string>
}

const PATH = '/api/v1/connections/logs'
const GIVE_UP_MS = 30_000

export function createProducer(options: ProducerOptions): Producer {
  const { key, history, words, withEventIds = true } = options
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const toLog = (event: SentEvent) => bodyOf(event, withEventIds)

  async function answerTo(door: Door, events: readonly SentEvent[]): Promise<Answer> {
    const all = (outcome: Outcome, word: string) => ({ outcomes: events.map(() => outcome), word })
    let reply: Reply
    try {
      reply = await post(door, events)
    } catch {
      return all('unknown', 'cut')
    }
    const { status, text } = reply
    if (status >= 500) options.failures?.add(text.replace(/"requestId":"[^"]+"/, '"requestId":"…"'))
    if (status === 503 && reply.retryAfter === undefined) return all('unknown', '503 without Retry-After')
    const body = JSON.parse(text) as Body
    if (door === 'graphql' || door === 'graphql-list') {
      const code = body.errors?.[0]?.extensions.code
      if (code !== undefined) {
        const isOpen = code === 'SERVICE_UNAVAILABLE' || code === 'INTERNAL'
        if (isOpen) options.failures?.add(body.errors?.[0]?.message ?? '')
        const at = body.errors?.[0]?.extensions.index
        return { ...all(isOpen ? 'unknown' : 'failed', code), ...(at === undefined ? {} : { refusedAt: at }) }
      }
      const one = body.data?.recordConnectionLog
      return one ? { ...all('ok', 'ok'), created: one.created, id: one.log.id } : all('ok', 'ok')
    }
    if (status >= 500) return all('unknown', String(status))
    if (status !== 200) {
      const [, at] = /`\[(\d+)\]/.exec(body.error ?? '') ?? []
      return { ...all('failed', String(status)), ...(at === undefined ? {} : { refusedAt: Number(at) }) }
    }
    if (door !== 'lines') return all('ok', 'ok')
    const rejected = new Set(body.errors?.map(({ line }) => line))
    return { outcomes: events.map((_, index) => (rejected.has(index + 1) ? 'failed' : 'ok')), word: 'ok' }
  }

  function post(door: Door, events: readonly SentEvent[]): Promise<Reply> {
    const logs = events.map(toLog)
    const inputs = logs.map(graphqlInput)
    switch (door) {
      case 'graphql':
        return exchange('/graphql', JSON.stringify({ query: RECORD, variables: { input: inputs[0] } }))
      case 'graphql-list':
        return exchange('/graphql', JSON.stringify({ query: RECORD_ALL, variables: { inputs } }))
      case 'rest':
        return exchange(PATH, JSON.stringify(logs[0]))
      case 'rest-list':
        return exchange(PATH, JSON.stringify(logs))
      case 'lines':
        return exchange(
          PATH,
          `${logs.map((log) => JSON.stringify(log)).join('\n')}\n`,
          'application/x-ndjson',
        )
      default:
        return assertNever(door)
    }
  }

  const exchange = (path: string, body: string, type = 'application/json'): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        {
          agent,
          host: '127.0.0.1',
          port: options.port(),
          path,
          method: 'POST',
          timeout: GIVE_UP_MS,
          headers: { authorization: `Bearer ${key}`, 'content-type': type },
        },
        (incoming) => {
          const chunks: Buffer[] = []
          incoming.on('data', (chunk: Buffer) => void chunks.push(chunk))
          incoming.on('error', reject)
          incoming.on('end', () => {
            // An answer without a length ends with its connection, also with one that was cut.
            if (!incoming.complete) reject(new Error('the answer was cut'))
            else
              resolve({
                status: incoming.statusCode ?? 0,
                retryAfter: incoming.headers['retry-after'],
                text: Buffer.concat(chunks).toString(),
              })
          })
        },
      )
      outgoing.on('error', reject)
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer came')))
      // Lines go out in pieces, as from a producer that makes them on the way.
      if (type !== 'application/json') {
        const half = Math.floor(body.length / 2)
        outgoing.write(body.slice(0, half))
        outgoing.end(body.slice(half))
      } else outgoing.end(body)
    })

  return {
    send: async (door, events) => {
      const answer = await answerTo(door, events)
      words.set(answer.word, (words.get(answer.word) ?? 0) + 1)
      if (door === 'lines') {
        events.forEach((event, index) =>
          history.push({ events: [event], outcome: answer.outcomes[index] ?? 'unknown' }),
        )
      } else history.push({ events, outcome: answer.outcomes[0] ?? 'unknown' })
      return answer
    },
    stop: () => agent.destroy(),
  }
}

interface Reply {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly text: string
}

interface Body {
  readonly data?: { readonly recordConnectionLog?: { created: boolean; log: { id: string } } } | null
  readonly errors?: readonly {
    readonly line: number
    readonly message: string
    readonly extensions: { readonly code: string; readonly index?: number }
  }[]
  readonly error?: string
}

const RECORD = `mutation ($input: RecordConnectionLogInput!) {
  recordConnectionLog(input: $input) { created log { id } }
}`
const RECORD_ALL = `mutation ($inputs: [RecordConnectionLogInput!]!) {
  recordConnectionLogs(inputs: $inputs) { results { created } }
}`

const PLATFORMS = ['tiktok', 'instagram', 'facebook', 'reddit', 'bluesky'] as const
const EVENT_TYPES = ['connect_success', 'connect_failed', 'disconnect', 'reconnect_success'] as const
const METHODS = ['oauth', 'credentials', 'invitation'] as const

/** The event as REST takes it. `accountId` tells which one it is also where its id is not sent. */
export function bodyOf({ userId, eventId, content }: SentEvent, withEventIds = true) {
  return {
    ...(withEventIds ? { eventId } : {}),
    ...(userId === null ? {} : { userId }),
    accountId: eventId,
    platform: PLATFORMS[content % PLATFORMS.length] ?? PLATFORMS[0],
    eventType: EVENT_TYPES[content % EVENT_TYPES.length] ?? EVENT_TYPES[0],
    connectionMethod: METHODS[content % METHODS.length] ?? METHODS[0],
    durationMs: content,
    metadata: { filling: 'x'.repeat(content % 300) },
  }
}

function graphqlInput(log: ReturnType<typeof bodyOf>) {
  return {
    ...log,
    platform: log.platform.toUpperCase(),
    eventType: log.eventType.toUpperCase(),
    connectionMethod: log.connectionMethod.toUpperCase(),
  }
}
