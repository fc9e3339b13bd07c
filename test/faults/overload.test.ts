import { Agent, request } from 'node:http'
import { expect, it } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import type { Service } from '../support/service.ts'
import { serviceWithKey } from '../support/service-with-key.ts'
import { undoneAfterEach } from '../support/undo.ts'
import { report } from './seed.ts'

const undo = undoneAfterEach()

const DEAR = `{ ${['a', 'b', 'c', 'd'].map((name) => `${name}: connectionStats(interval: HOUR) { total errorCodes { code } series { total } }`).join(' ')} }`

/** Asks over and over with so many clients, and returns the median time of a good answer, and how many were refused. */
async function medianUnder(
  clients: number,
  answers: number,
  { service, key }: { service: Service; key: string },
) {
  const agent = new Agent({ keepAlive: true })
  const times: number[] = []
  let refused = 0
  let left = answers
  const ask = (query?: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      const to = { port: service.port, host: '127.0.0.1', agent }
      const sent = request(
        query === undefined
          ? { ...to, path: '/health' }
          : { ...to, path: '/graphql', method: 'POST', headers },
      )
      sent.on('error', reject)
      sent.on('response', (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode))
      })
      sent.end(query && JSON.stringify({ query }))
    })
  // Node takes one new connection in a turn of its loop, which is another wait than that for an answer.
  await Promise.all(Array.from({ length: clients }, () => ask()))
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (left > 0) {
        const beganMs = systemClock.steadyMs()
        if ((await ask(DEAR)) === 200) {
          times.push(systemClock.steadyMs() - beganMs)
          left -= 1
        } else {
          refused += 1
          await systemClock.sleep(50)
        }
      }
    }),
  )
  agent.destroy()
  return { medianMs: times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0, refused }
}

const SHED = 'connlog_http_requests_shed_total'

async function metric({ port }: Service, series: string): Promise<number> {
  const lines = (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).split('\n')
  return Number(lines.find((line) => line.startsWith(`${series} `))?.slice(series.length))
}

it.each(PROVIDERS)(
  'overload on %s: who is let in waits little longer, others hear so at once',
  async (provider) => {
    const wide = { MAX_CONCURRENT_REQUESTS: '100000', MAX_QUEUE_MILLISECONDS: '60000' }
    const unbounded = await serviceWithKey(undo, provider, wide)
    await medianUnder(4, 12, unbounded)
    const calm = await medianUnder(8, 16, unbounded)
    const control = await medianUnder(80, 120, unbounded)
    expect(await metric(unbounded.service, SHED)).toBe(0)
    await unbounded.service.stop()

    // By what this machine takes: eight clients do not come near the bound, eighty go far beyond it.
    const maxQueueMs = Math.ceil(3 * calm.medianMs)
    const bounded = await serviceWithKey(undo, provider, { MAX_QUEUE_MILLISECONDS: String(maxQueueMs) })
    // What is compiled only now may take long enough to be refused.
    const cold = await medianUnder(4, 12, bounded)
    const few = await medianUnder(8, 16, bounded)
    const shed = await medianUnder(80, 60, bounded)
    report(`overload on ${provider}: ${JSON.stringify({ calm, control, maxQueueMs, few, shed })}`)
    expect((await fetch(`http://127.0.0.1:${bounded.service.port}/ready`)).status).toBe(200)
    const refused = cold.refused + few.refused + shed.refused
    expect(await metric(bounded.service, SHED)).toBe(refused)
    const answered = 'connlog_http_requests_total{route="/graphql",method="POST",status="503"}'
    expect(await metric(bounded.service, answered)).toBe(refused)
    expect(few.refused).toBe(0)
    expect(shed.refused).toBeGreaterThan(0)
    expect(shed.medianMs).toBeLessThan(calm.medianMs * 12)
    expect(control.medianMs).toBeGreaterThan(shed.medianMs * 1.3)
  },
)
