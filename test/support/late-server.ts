import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ServedLog {
  readonly _id: string
  readonly [field: string]: unknown
}

export type Behaviour = (response: ServerResponse, request: IncomingMessage) => void

/** A server with Late's API, over a list that a test may change at any time. */
export interface LateServer {
  readonly origin: string
  /** Newest first. */
  logs: ServedLog[]
  /** The path and query of each request, and the key that came with it. */
  readonly asked: { readonly path: string; readonly key: string }[]
  /** How many connections were made. */
  readonly connections: () => number
  /** The next answers are these, one each; after them it answers well again. */
  misbehave(...behaviours: Behaviour[]): void
  /** Called before each answer, for whatever may happen between two requests. */
  onRequest: () => void
  stop(): Promise<void>
}

const PATH = '/api/v1/connections/logs'
const running = new Set<LateServer>()

/** @param prefix a path that the API is mounted on */
export async function startLateServer(logs: ServedLog[] = [], prefix = ''): Promise<LateServer> {
  const queue: Behaviour[] = []
  let connections = 0
  const http = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://late.test')
    server.onRequest()
    server.asked.push({
      path: `${url.pathname}${url.search}`,
      key: (request.headers.authorization ?? '').replace('Bearer ', ''),
    })
    const behaviour = queue.shift()
    if (behaviour) behaviour(response, request)
    else if (url.pathname === `${prefix}${PATH}`) page(server.logs, url.searchParams)(response, request)
    else status(404, { error: 'Not found' })(response, request)
  })
  http.on('connection', () => void (connections += 1))
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve))
  const server: LateServer = {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    logs,
    asked: [],
    connections: () => connections,
    misbehave: (...behaviours) => void queue.push(...behaviours),
    onRequest: () => undefined,
    stop: async () => {
      if (!running.delete(server)) return
      http.closeAllConnections()
      await new Promise((resolve) => void http.close(resolve))
    },
  }
  running.add(server)
  return server
}

/** Ends what a test has left running. */
export async function stopLateServers(): Promise<void> {
  for (const server of running) await server.stop()
}

/** The page as Late answers it. */
export function pageOf(logs: readonly ServedLog[], parameters: URLSearchParams) {
  const limit = Number(parameters.get('limit') ?? 50)
  const skip = Number(parameters.get('skip') ?? 0)
  const total = logs.length
  return {
    logs: logs.slice(skip, skip + limit),
    pagination: { total, limit, skip, pages: Math.ceil(total / limit), hasMore: skip + limit < total },
  }
}

const page = (logs: readonly ServedLog[], parameters: URLSearchParams) =>
  status(200, pageOf(logs, parameters))

/** Answers with a status, a body (JSON unless it is text) and headers. */
export const status =
  (code: number, body: unknown, headers: Record<string, string> = {}): Behaviour =>
  (response) => {
    response.writeHead(code, headers)
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

export const cutBeforeHeaders: Behaviour = (response) => void response.socket?.destroy()

export const cutAmidHeaders: Behaviour = (response) => {
  response.socket?.end('HTTP/1.1 200 OK\r\ncontent-ty')
}

/** Says that more will come, sends a part of a page, and hangs up. */
export const cutAmidBody: Behaviour = (response) => {
  response.writeHead(200, { 'content-length': '5000' })
  response.write('{"logs":[{"_id":"1"', () => response.socket?.destroy())
}

/** The same without a length, so that only the missing last chunk tells. */
export const cutAmidChunks: Behaviour = (response) => {
  response.writeHead(200)
  response.write('{"logs":[],"pagination":{"total":0,"hasMore":false}}', () => response.socket?.destroy())
}

export const neverAnswers: Behaviour = () => undefined

/** Begins well and then says nothing more. */
export const fallsSilent: Behaviour = (response) => {
  response.writeHead(200)
  response.write('{"logs":[')
}
