import { request } from 'node:http'
import { readEvents } from '../support/follower.ts'

const HOST = '127.0.0.1'
const QUERY = 'subscription { connectionLogRecorded { log { id metadata } } }'

/** A client that comes back with what it has seen last, as an EventSource does, to whichever service is next. */
export function createFollower(ports: readonly number[], key: string) {
  const seen: string[] = []
  const figures = { connections: 0 }
  let lastId: string | undefined
  const over = new AbortController()
  let cut: (() => void) | undefined
  let paused: Promise<void> | undefined
  let resume = () => {}

  function connect(port: number): Promise<AsyncIterable<Uint8Array>> {
    return new Promise((resolve, reject) => {
      const path = `/graphql?query=${encodeURIComponent(QUERY)}`
      const headers = {
        authorization: `Bearer ${key}`,
        accept: 'text/event-stream',
        ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
      }
      const sent = request({ host: HOST, port, path, headers, agent: false }, (response) => {
        if (response.statusCode === 200) resolve(response)
        else reject(new Error(`answered ${response.statusCode}`))
      })
      sent.on('error', reject)
      sent.end()
      cut = () => sent.destroy()
    })
  }

  async function run(): Promise<void> {
    while (!over.signal.aborted) {
      try {
        figures.connections += 1
        const chunks = await connect(ports[figures.connections % ports.length] ?? 0)
        for await (const { id, data } of readEvents(chunks)) {
          if (data !== undefined) seen.push(data.data.connectionLogRecorded.log.id as string)
          lastId = id ?? lastId
          await paused
        }
      } catch (error) {
        if (error instanceof Error && error.message.startsWith('answered')) throw error
      }
    }
  }

  return {
    seen,
    figures,
    hasBegun: () => lastId !== undefined,
    run,
    /** Takes nothing more from its socket, whatever comes. */
    pause: () => {
      paused = new Promise((resolve) => (resume = resolve))
    },
    resume: () => resume(),
    stop: () => {
      over.abort()
      resume()
      cut?.()
    },
  }
}
