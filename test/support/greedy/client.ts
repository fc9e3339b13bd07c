import { Agent, type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'

/** What came back for a request; status 0 if nothing did. */
export interface Answer {
  readonly status: number
  readonly text: string
}

export interface Sent {
  readonly method?: string
  readonly key?: string
  readonly body?: string
  readonly contentType?: string
}

/** Talks to a service on loopback. Nothing it does throws: a caller that floods a service expects failures. */
export interface Client {
  send(path: string, sent?: Sent): Promise<Answer>
  graphql(key: string, query: string, variables?: object): Promise<Answer>
  /** Opens a stream of events. Resolves with the first bytes, or with what refused it. */
  subscribe(key: string, query: string, isRead?: boolean): Promise<Answer & { close(): void }>
  /** A socket on which `head` was written. It reads nothing unless the caller does. */
  socket(head: string): Socket
  close(): void
}

export function createClient(port: number, timeoutMs = 15_000): Client {
  const agent = new Agent({ keepAlive: true })
  const sockets = new Set<{ destroy(): unknown }>()
  const host = '127.0.0.1'

  function open(path: string, { method = 'GET', key, body, contentType = 'application/json' }: Sent) {
    const headers: Record<string, string> = {}
    if (key !== undefined) headers['authorization'] = `Bearer ${key}`
    if (body !== undefined) {
      headers['content-type'] = contentType
      headers['content-length'] = String(Buffer.byteLength(body))
    }
    return request({ host, port, path, method, headers, agent, timeout: timeoutMs })
  }

  const send: Client['send'] = (path, sent = {}) =>
    new Promise((resolve) => {
      const failed = () => resolve({ status: 0, text: '' })
      const asked = open(path, sent)
      asked.on('error', failed)
      asked.on('timeout', () => asked.destroy())
      asked.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (piece: string) => void (text.length < 10_000 && (text += piece)))
        response.on('error', failed)
        response.on('close', () =>
          resolve({ status: response.complete ? (response.statusCode ?? 0) : 0, text }),
        )
      })
      asked.end(sent.body)
    })

  return {
    send,
    graphql: (key, query, variables) =>
      send('/graphql', { method: 'POST', key, body: JSON.stringify({ query, variables }) }),
    subscribe: (key, query, isRead = true) =>
      new Promise((resolve) => {
        const asked = request({
          host,
          port,
          path: '/graphql',
          method: 'POST',
          agent: false,
          headers: {
            authorization: `Bearer ${key}`,
            'content-type': 'application/json',
            accept: 'text/event-stream',
          },
        })
        sockets.add(asked)
        const close = () => {
          sockets.delete(asked)
          asked.destroy()
        }
        const timer = setTimeout(close, timeoutMs)
        const done = (answer: Answer) => {
          clearTimeout(timer)
          resolve({ ...answer, close })
        }
        asked.on('error', () => done({ status: 0, text: '' }))
        asked.on('response', (response: IncomingMessage) => {
          response.on('error', () => undefined)
          if (!isRead) {
            response.pause()
            done({ status: response.statusCode ?? 0, text: '' })
            return
          }
          response.once('data', (piece: Buffer) => {
            done({ status: response.statusCode ?? 0, text: piece.toString() })
            response.resume()
          })
        })
        asked.end(JSON.stringify({ query }))
      }),
    socket: (head) => {
      const socket = connect(port, host)
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => sockets.delete(socket))
      socket.write(head)
      return socket
    },
    close: () => {
      agent.destroy()
      for (const socket of sockets) socket.destroy()
    },
  }
}
