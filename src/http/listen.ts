import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createServerAdapter } from '@whatwg-node/server'
import { type Clock, systemClock } from '../kernel/clock.ts'
import type { Running } from '../kernel/lifecycle.ts'
import { createLateness } from './lateness.ts'

/** Who is at the other end of the connection on which a request came. */
export interface Peer {
  /** Its IP address, where it is known. */
  readonly address?: string | undefined
  /** How long the request waited for others before it was handed on, in milliseconds, where that is known. */
  readonly lateMs?: number
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

export interface Listening extends Running {
  /** Serves on, and has every connection closed with the answer that it gets next. */
  drain(): void
  /** Where it listens, such as `http://127.0.0.1:4000`. */
  readonly address: string
}

/** How long a connection may be silent while a request or its answer is under way, in milliseconds. */
const IDLE_MS = 120_000

/** How long a client may take over its headers, and how often that is looked at, in milliseconds. */
const HEADERS_MS = 10_000
const CHECK_MS = 2_000

/**
 * How many connections may wait to be taken, where the system allows it. With Node's 511 some clients of a burst are not
 * heard, and try again after one second, or three, to be told then that they come at a bad time.
 */
const BACKLOG = 4_096

/** How long open requests may take to end once the service stops. */
const DRAIN_MS = 8_000

const IDLE_CHECK_MS = 50

/**
 * Node's own 5 seconds are less than what load balancers keep a connection for (60 on an AWS ALB and nginx): they would
 * send requests on connections that are just being closed, and answer 502.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
 */
const KEEP_ALIVE_MS = 75_000

/** Answers one request of `node:http`, or of what is built on it. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** A listener for `node:http` and what is built on it, over a function from Request to Response. */
export function createNodeListener(handler: FetchHandler): NodeListener {
  return createListener(handler, () => undefined)
}

function createListener(handler: FetchHandler, turnAway: TurnAway): NodeListener {
  const lateness = createLateness(systemClock)
  const adapter = createServerAdapter<{ readonly req?: IncomingMessage }>((request, { req }) =>
    handler(request, { address: req?.socket.remoteAddress, lateMs: lateness() }),
  )
  return async (request, response) => {
    const refused = turnAway(request, lateness())
    if (refused) response.writeHead(refused.status, refused.headers).end(refused.text)
    else await adapter(request, response)
  }
}

/**
 * Listens on a port. `stop` takes no more requests, lets those under way end, and cuts what is left after 8 seconds.
 * @throws {Error} with `code` EADDRINUSE, EACCES and the like, as `node:net` does
 */
export async function listen(
  handler: FetchHandler,
  {
    port,
    host,
    clock,
    keepAliveMs = KEEP_ALIVE_MS,
    turnAway = () => undefined,
  }: { port: number; host: string; clock: Clock; keepAliveMs?: number; turnAway?: TurnAway },
): Promise<Listening> {
  const listener = createListener(handler, turnAway)
  const server = createServer({ connectionsCheckingInterval: CHECK_MS }, (request, response) => {
    // With `Connection: close`, so that the client is not cut while it sends the next request.
    if (isDraining) response.shouldKeepAlive = false
    answering.add(response)
    response.once('close', () => answering.delete(response))
    void listener(request, response)
  })
  const answering = new Set<ServerResponse>()
  let isDraining = false
  const drain = () => {
    isDraining = true
    for (const response of answering) if (!response.headersSent) response.shouldKeepAlive = false
  }
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  server.keepAliveTimeout = keepAliveMs
  server.headersTimeout = HEADERS_MS
  // A stream of lines may go on for as long as lines come; what says nothing for two minutes is cut.
  server.requestTimeout = 0
  // A connection that is kept alive waits for its own time, and Node takes this one where that is less.
  server.timeout = Math.max(IDLE_MS, keepAliveMs)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, BACKLOG, resolve)
  })
  /**
   * A connection that is kept alive becomes idle when its answer has ended, and one that was made in advance has said
   * nothing yet, which Node does not call idle: they would be kept for some seconds more.
   */
  async function closeWhatIsIdle(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      server.closeIdleConnections()
      for (const socket of open) if (socket.bytesRead === 0) socket.destroy()
      await clock.sleep(IDLE_CHECK_MS, signal)
    }
  }

  const { address, family, port: actualPort } = server.address() as AddressInfo
  return {
    address: `http://${family === 'IPv6' ? `[${address}]` : address}:${actualPort}`,
    drain,
    stop: async () => {
      drain()
      if (!server.listening) return
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
      const drained = new AbortController()
      const cut = clock.sleep(DRAIN_MS, drained.signal).then(() => server.closeAllConnections())
      const idle = closeWhatIsIdle(drained.signal)
      await closed
      drained.abort()
      await Promise.all([cut, idle])
    },
  }
}
