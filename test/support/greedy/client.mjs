// @ts-check
import { Agent, request } from 'node:http'
import { connect } from 'node:net'

/**
 * What came back for a request; the status is 0 if nothing did.
 * @typedef {{ status: number, text: string }} Answer
 * @typedef {{ method?: string, key?: string, body?: string, contentType?: string }} Sent
 */

/**
 * Talks to a service on loopback. Nothing it does throws: a caller that floods a service expects failures.
 * @typedef {object} Client
 * @property {(path: string, sent?: Sent) => Promise<Answer>} send
 * @property {(key: string, query: string, variables?: object) => Promise<Answer>} graphql
 * @property {(key: string, query: string, isRead?: boolean) => Promise<Answer & { close(): void }>} subscribe opens a
 *   stream of events; resolves with the first bytes, or with what refused it
 * @property {(head: string) => import('node:net').Socket} socket a socket on which `head` was written
 * @property {() => void} close
 */

/**
 * @param {number} port
 * @param {number} timeoutMs
 * @returns {Client}
 */
export function createClient(port, timeoutMs = 15_000) {
  const agent = new Agent({ keepAlive: true })
  /** @type {Set<{ destroy(): unknown }>} */
  const sockets = new Set()
  const host = '127.0.0.1'

  /** @param {string} path @param {Sent} sent */
  function open(path, { method = 'GET', key, body, contentType = 'application/json' }) {
    /** @type {Record<string, string>} */
    const headers = {}
    if (key !== undefined) headers['authorization'] = `Bearer ${key}`
    if (body !== undefined) {
      headers['content-type'] = contentType
      headers['content-length'] = String(Buffer.byteLength(body))
    }
    return request({ host, port, path, method, headers, agent, timeout: timeoutMs })
  }

  /** @type {Client['send']} */
  const send = (path, sent = {}) =>
    new Promise((resolve) => {
      const failed = () => resolve({ status: 0, text: '' })
      const asked = open(path, sent)
      asked.on('error', failed)
      asked.on('timeout', () => asked.destroy())
      asked.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (piece) => void (text.length < 10_000 && (text += piece)))
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
        /** @param {Answer} answer */
        const done = (answer) => {
          clearTimeout(timer)
          resolve({ ...answer, close })
        }
        asked.on('error', () => done({ status: 0, text: '' }))
        asked.on('response', (response) => {
          response.on('error', () => undefined)
          if (!isRead) {
            response.pause()
            done({ status: response.statusCode ?? 0, text: '' })
            return
          }
          response.once('data', (piece) => {
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
