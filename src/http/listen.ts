import {
  type IncomingMessage,
  STATUS_CODES,
  type ServerResponse,
  createServer,
  maxHeaderSize,
} from 'node:http'
import { type AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import type { Running } from '../kernel/lifecycle.ts'
import { compressed } from './compression.ts'
import { type FetchHandler, type TextAnswer, type TurnAway, createListener } from './node-listener.ts'
import type { Unreadable } from './unreadable.ts'

export interface Listening extends Running {
  /** Serves on, and has every connection closed with the answer that it gets next. */
  drain(): void
  /** Where it listens, such as `http://127.0.0.1:4000`. */
  readonly address: string
}

export interface ListenOptions {
  readonly port: number
  readonly host: string
  readonly clock: Clock
  readonly keepAliveMs?: number
  /** Whether answers are compressed for clients that take them so. */
  readonly compression?: boolean
  readonly turnAway?: TurnAway
  /** The answer to bytes that `node:http` cannot make a request of; without it, Node's own, which has no body. */
  readonly unreadable?: Unreadable
  /** Called for each connection that is accepted. */
  readonly onConnection?: () => void
}

/** How long a connection may be silent while a request or its answer is under way, in milliseconds. */
const IDLE_MS = 120_000

/** How long a client may take over its headers, and how often that is looked at, in milliseconds. */
const HEADERS_MS = 10_000
const CHECK_MS = 2_000

/** What Node's errors mean, by their codes. */
const UNREADABLE: Readonly<Record<string, readonly [status: number, sentence: string]>> = {
  HPE_HEADER_OVERFLOW: [
    431,
    `Expected at most ${maxHeaderSize} bytes of request line and headers, got more. Send a long GraphQL document by POST.`,
  ],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'Expected chunks without long extensions, got longer ones.'],
  ERR_HTTP_REQUEST_TIMEOUT: [
    408,
    `Expected the whole headers within ${HEADERS_MS / SECOND_MS} seconds, got a part of them.`,
  ],
}
const NO_REQUEST = [400, 'Expected a valid HTTP/1.1 request for a path, got something else.'] as const

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
    compression = false,
    turnAway,
    unreadable,
    onConnection = () => undefined,
  }: ListenOptions,
): Promise<Listening> {
  const answer: FetchHandler = compression
    ? async (request, peer) => compressed(request, await handler(request, peer))
    : handler
  const listener = createListener(answer, { clock, ...(turnAway ? { turnAway } : {}) })
  const serve = (request: IncomingMessage, response: ServerResponse, expectsContinue = false) => {
    // With `Connection: close`, so that the client is not cut while it sends the next request.
    if (isDraining) response.shouldKeepAlive = false
    answering.add(response)
    response.once('close', () => answering.delete(response))
    void listener(request, response, { expectsContinue })
  }
  // A missing Host is refused by the handler, with a sentence.
  const options = { connectionsCheckingInterval: CHECK_MS, requireHostHeader: false }
  const server = createServer(options, (request, response) => serve(request, response))
  server.on('checkContinue', (request, response) => serve(request, response, true))
  server.on('checkExpectation', (request, response) => serve(request, response))
  if (unreadable) {
    const isAnswered = (socket: Duplex) =>
      [...answering].some((response) => response.socket === socket && response.headersSent)
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (!socket.writable) return
      const isSilent = socket instanceof Socket && socket.bytesRead === 0
      if (error.code === 'ECONNRESET' || isSilent || isAnswered(socket)) socket.destroy()
      else refuse(socket, unreadable(...(UNREADABLE[error.code ?? ''] ?? NO_REQUEST)), clock)
    })
    server.on('connect', (_, socket) => refuse(socket, unreadable(...NO_REQUEST), clock))
  }
  const answering = new Set<ServerResponse>()
  let isDraining = false
  const drain = () => {
    isDraining = true
    for (const response of answering) if (!response.headersSent) response.shouldKeepAlive = false
  }
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    onConnection()
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

/** How long a connection that was refused may take to be closed by the other side. */
const LINGER_MS = 5_000

/** Answers on a connection that has no request. What still comes is read, so that the answer is not lost by a reset. */
function refuse(socket: Duplex, { status, headers, text }: TextAnswer, clock: Clock): void {
  const lines = Object.entries({ ...headers, connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${text}`)
  socket.resume()
  const closed = new AbortController()
  socket.once('close', () => closed.abort())
  void clock.sleep(LINGER_MS, closed.signal).then(() => socket.destroy())
}
