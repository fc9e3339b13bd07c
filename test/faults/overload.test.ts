import { Agent, request } from 'node:http'
import { expect, it } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import type { Service } from '../support/service.ts'
import { serviceWithKey } from '../support/service-with-key.ts'
import { undoneAfterEach } from '../support/undo.ts'
import { report } from './seed.ts'

const undo = undoneAfterEach()

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
  const ask = () =>
    new Promise<number | undefined>((resolve, reject) => {
      const query = '{ connectionStats(interval: HOUR) { total errorCodes { code } series { total } } }'
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      const path = '/graphql'
      const sent = request({ port: service.port, host: '127.0.0.1', agent, method: 'POST', path, headers })
      sent.on('error', reject)
      sent.on('response', (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode))
      })
      sent.end(JSON.stringify({ query }))
    })
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (left > 0) {
        const beganMs = systemClock.steadyMs()
        if ((await ask()) === 200) {
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

it.each(PROVIDERS)(
  'overload on %s: who is let in waits little longer, others hear so at once',
  async (provider) => {
    const bounded = await serviceWithKey(undo, provider, {
      MAX_CONCURRENT_REQUESTS: '8',
      MAX_QUEUE_MILLISECONDS: '200',
    })
    await medianUnder(4, 12, bounded)
    const calm = await medianUnder(8, 32, bounded)
    const shed = await medianUnder(250, 150, bounded)
    expect((await fetch(`http://127.0.0.1:${bounded.service.port}/ready`)).status).toBe(200)
    const metrics = await (await fetch(`http://127.0.0.1:${bounded.service.port}/metrics`)).text()
    expect(Number(/\nconnlog_http_requests_shed_total (\d+)\n/.exec(metrics)?.[1])).toBeGreaterThan(0)
    await bounded.service.stop()
    const wide = { MAX_CONCURRENT_REQUESTS: '100000', MAX_QUEUE_MILLISECONDS: '60000' }
    const unbounded = await serviceWithKey(undo, provider, wide)
    await medianUnder(4, 12, unbounded)
    const control = await medianUnder(250, 150, unbounded)
    report(`overload on ${provider}: ${JSON.stringify({ calm, shed, control })}`)
    expect(calm.refused).toBe(0)
    expect(shed.refused).toBeGreaterThan(0)
    expect(shed.medianMs).toBeLessThan(calm.medianMs * 12)
    expect(control.refused).toBe(0)
    expect(control.medianMs).toBeGreaterThan(shed.medianMs * 1.3)
  },
)
