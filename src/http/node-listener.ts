import type { IncomingMessage, ServerResponse } from 'node:http'
import { finished } from 'node:stream'
import { sendNodeResponse } from '@whatwg-node/server'
import { PIECE_LENGTH } from '../kernel/bounded-json.ts'
import { type Clock, systemClock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { createLateness } from './lateness.ts'
import { type FrameworkRequest, bodyAlreadyRead, toRequest } from './node-request.ts'
import { addressOf } from './request-target.ts'
import { unsentOf } from './text-body.ts'

/** An answer on its way to the client, which a listener measures. */
export interface SentAnswer {
  /**
   * Counts what this response holds in memory, and again each time that this changes. The response is closed if its user
   * holds too much, or if the client does not take what it holds in time.
   * @param bytes that the client has not taken
   */
  measure(outgoing: { destroy(): void }, bytes: number): void
  end(): void
}

/** Who is at the other end of the connection on which a request came. */
export interface Peer {
  /** Its IP address, where it is known. */
  readonly address?: string | undefined
  /** How long the request waited for others before it was handed on, in milliseconds, where that is known. */
  readonly lateMs?: number
  /** Takes what measures how much of the answer is unread; the last one counts. */
  readonly measuredBy?: (sent: SentAnswer) => void
  /** Why the server that received the request could not read it. It is answered with this. */
  readonly unreadable?: AppError | undefined
}

export type FetchHandler = (request: Request, peer?: Peer) => Promise<Response>

/** An answer in words, as it goes over the wire. */
export interface TextAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

/**
 * What to answer to those who come while there is too much to do; undefined for all others.
 * @param lateMs how long the request has waited for others
 */
export type TurnAway = (
  request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  lateMs: number,
) => TextAnswer | undefined

/**
 * Answers one request of `node:http`, or of what is built on it. It also accepts Fastify's own request and reply, and a
 * body that Express or Fastify has parsed.
 */
export type NodeListener = (
  request: IncomingMessage | (FrameworkRequest & { readonly raw: IncomingMessage }),
  response: ServerResponse | { readonly raw: ServerResponse },
) => Promise<void>

/** A listener for `node:http` and what is built on it, over a function from Request to Response. */
export function createNodeListener(handler: FetchHandler): NodeListener {
  const answer = createListener(handler, { clock: systemClock })
  // Frameworks call with more arguments than these two.
  return (request, response) => {
    const incoming = 'raw' in request ? request.raw : request
    const body = bodyAlreadyRead(request as FrameworkRequest, incoming)
    return answer(incoming, 'raw' in response ? response.raw : response, { body })
  }
}

export type Listener = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  given?: { readonly body?: string | Uint8Array | undefined; readonly expectsContinue?: boolean },
) => Promise<void>

const BODY_IS_GONE = new AppError(
  'INTERNAL',
  'The server that runs connlog has read the body of the request before connlog could. Give connlog the request object of the framework, whose `body` has it.',
  { cause: new Error('the body was read before') },
)

export function createListener(
  handler: FetchHandler,
  { clock, turnAway = () => undefined }: { clock: Clock; turnAway?: TurnAway },
): Listener {
  const lateness = createLateness(clock)
  return async (incoming, outgoing, { body, expectsContinue = false } = {}) => {
    const lateMs = lateness()
    const refused = turnAway(incoming, lateMs)
    const answer = { incoming, outgoing, expectsContinue, clock }
    if (refused) return sendText(refused, answer)
    const address = addressOf(incoming)
    const isUnreadable = typeof address !== 'string'
    const isGone = body === undefined && incoming.readableDidRead
    const request = toRequest(incoming, outgoing, {
      address: isUnreadable ? 'http://localhost/' : address,
      body,
      expectsContinue,
    })
    let sent: SentAnswer | undefined
    outgoing.once('close', () => sent?.end())
    const response = await handler(request, {
      address: incoming.socket.remoteAddress,
      lateMs,
      measuredBy: (one) => {
        sent?.end()
        sent = one
        // It left before it was known who it was.
        if (outgoing.closed) one.end()
      },
      unreadable: isUnreadable ? address : isGone ? BODY_IS_GONE : undefined,
    }).catch(() => new Response(null, { status: 500, headers: { 'content-length': '0' } }))
    return send(response, answer, (unsent = 0) => sent?.measure(outgoing, outgoing.writableLength + unsent))
  }
}

interface Answer {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly expectsContinue: boolean
  readonly clock: Clock
}

/** @param unsent bytes of the answer that have not been written yet */
type Measure = (unsent?: number) => void

async function send(response: Response, answer: Answer, measure: Measure): Promise<void> {
  const { incoming, outgoing } = answer
  const isWhole = response.headers.has('content-length')
  // Only then: to ask a short response for its stream makes one.
  const isLong =
    Number(response.headers.get('content-length') ?? 0) > PIECE_LENGTH && unsentOf(response.body) > 0
  if (isWhole && closesConnection(response.headers.get('connection'), answer))
    return sendText(
      {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        text: await response.text(),
      },
      answer,
    )
  if ((isWhole && !isLong) || response.body === null) {
    const sending = sendNodeResponse(response, outgoing, incoming, true)
    measure()
    await sending
  } else await sendStream(response, response.body, answer, measure)
  if (!leavesBody(answer)) return discard(incoming)
  // A stream that ended before the lines that it answers.
  await linger(answer)
  incoming.socket.destroySoon()
}

/** An answer that is long or whose end is not known, part by part: each when the one before it has been taken. */
async function sendStream(
  { status, headers }: Response,
  body: ReadableStream<Uint8Array>,
  { incoming, outgoing }: Answer,
  measure: Measure,
): Promise<void> {
  // Heartbeats and the time for reading decide how long it may be silent.
  incoming.socket.setTimeout?.(0)
  outgoing.writeHead(status, Object.fromEntries(headers))
  const reader = body.getReader()
  const measureRest = () => measure(unsentOf(body))
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (outgoing.destroyed) return reader.cancel()
    const hasRoom = outgoing.write(next.value, measureRest)
    measureRest()
    if (!hasRoom) await drained(outgoing)
  }
  outgoing.end()
}

/** Resolves when all was taken, or the connection is closed. */
const drained = (outgoing: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done).off('close', done)
      resolve()
    }
    if (outgoing.destroyed) resolve()
    else outgoing.once('drain', done).once('close', done)
  })

/** Small answers, whole: the client has all of it before the connection is closed. */
async function sendText({ status, headers, text }: TextAnswer, answer: Answer): Promise<void> {
  const { incoming, outgoing } = answer
  if (!closesConnection(headers['connection'], answer)) {
    outgoing.writeHead(status, headers).end(text)
    return discard(incoming)
  }
  outgoing.shouldKeepAlive = false
  outgoing.writeHead(status, headers).write(text)
  await linger(answer)
  outgoing.end()
}

/** Whether the answer says so, or so much of the body is still to come that the connection is better closed. */
const closesConnection = (connection: string | null | undefined, answer: Answer): boolean =>
  connection === 'close' || leavesBody(answer)

/** Up to so many bytes of a body that nobody wants are read all the same, so that the connection can be kept. */
const DISCARDED_BYTES = 65_536

/** Whether so much of the body is still to come that the connection is better closed. */
function leavesBody({ incoming, expectsContinue }: Answer): boolean {
  if (incoming.httpVersionMajor !== 1 || incoming.complete) return false
  const { 'content-length': length, 'transfer-encoding': coding } = incoming.headers
  return coding !== undefined || Number(length ?? 0) > (expectsContinue ? 0 : DISCARDED_BYTES)
}

/** Node does this for a body that nobody has begun to read, and for no other. */
function discard(incoming: IncomingMessage): void {
  if (incoming.complete || incoming.destroyed) return
  incoming.removeAllListeners('data')
  incoming.resume()
}

/** How long a client that still sends may take to notice the answer. */
const LINGER_MS = 5_000

/** To close a connection on which bytes wait unread resets it, and the client may lose the answer. */
async function linger({ incoming, clock }: Answer): Promise<void> {
  const over = new AbortController()
  discard(incoming)
  const ended = new Promise<void>((resolve) => finished(incoming, () => resolve()))
  await Promise.race([ended, clock.sleep(LINGER_MS, over.signal)])
  over.abort()
}
