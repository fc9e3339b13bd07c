import { Agent, request } from 'node:http'
import { expect, it } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { PROVIDERS, type Provider } from '../support/databases.ts'
import type { Service } from '../support/service.ts'
import { serviceWithKey } from '../support/service-with-key.ts'
import { undoneAfterEach } from '../support/undo.ts'
import { report } from '../faults/seed.ts'

const undo = undoneAfterEach()

const DEAR = `{ ${['a', 'b', 'c', 'd'].map((name) => `${name}: connectionStats(interval: HOUR) { total errorCodes { code } series { total } }`).join(' ')} }`

const TOO_MANY = 'has more to do than it can'

/**
 * Asks over and over with so many clients. Returns for how many others who got a good answer waited in the median, which
 * does not depend on how busy the machine is at the moment; how long that took; how many were refused; and how many failed.
 */
async function waitsUnder(
  clients: number,
  answers: number,
  { service, key }: { service: Service; key: string },
) {
  const agent = new Agent({ keepAlive: true })
  const times: number[] = []
  const others: number[] = []
  let refused = 0
  let failed = 0
  let left = answers
  const ask = (query?: string) =>
    new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      const to = { port: service.port, host: '127.0.0.1', agent }
      const sent = request(
        query === undefined
          ? { ...to, path: '/health' }
          : { ...to, path: '/graphql', method: 'POST', headers },
      )
      sent.on('error', reject)
      sent.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => void (text += chunk))
        response.on('end', () => resolve({ status: response.statusCode, text }))
      })
      sent.end(query && JSON.stringify({ query }))
    })
  // Node takes one new connection in a turn of its loop, which is another wait than that for an answer.
  await Promise.all(Array.from({ length: clients }, () => ask()))
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (left > 0) {
        const beganMs = systemClock.steadyMs()
        const before = others.length
        const { status, text } = await ask(DEAR)
        if (status === 200) {
          times.push(systemClock.steadyMs() - beganMs)
          others.push(others.length - before)
          left -= 1
        } else {
          // Who was let in and got no connection to Postgres in time was not refused for there being too many.
          if (text.includes(TOO_MANY)) refused += 1
          else failed += 1
          await systemClock.sleep(50)
        }
      }
    }),
  )
  agent.destroy()
  return { others: median(others), medianMs: Math.round(median(times)), refused, failed }
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

const SHED = 'connlog_http_requests_shed_total'
const UNAVAILABLE = 'connlog_http_requests_total{route="/graphql",method="POST",status="503"}'
const TRIES = 4

async function metric({ port }: Service, series: string): Promise<number> {
  const lines = (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).split('\n')
  // A status that was never answered has no series.
  return Number(lines.find((line) => line.startsWith(`${series} `))?.slice(series.length) ?? 0)
}

/** The same clients, few and many, at a service without bounds and at one with bounds that suit this machine. */
async function compare(provider: Provider) {
  const wide = { MAX_CONCURRENT_REQUESTS: '100000', MAX_QUEUE_MILLISECONDS: '60000' }
  const unbounded = await serviceWithKey(undo, provider, wide)
  await waitsUnder(4, 12, unbounded)
  const calm = await waitsUnder(8, 16, unbounded)
  const control = await waitsUnder(80, 120, unbounded)
  expect(await metric(unbounded.service, SHED)).toBe(0)
  await unbounded.service.stop()

  // Eight clients do not come near the bound, eighty go far beyond it.
  const maxQueueMs = 3 * calm.medianMs
  const bounded = await serviceWithKey(undo, provider, { MAX_QUEUE_MILLISECONDS: String(maxQueueMs) })
  // What is compiled only now may take long enough to be refused.
  const cold = await waitsUnder(4, 12, bounded)
  const few = await waitsUnder(8, 16, bounded)
  const shed = await waitsUnder(80, 60, bounded)
  report(`overload on ${provider}: ${JSON.stringify({ calm, control, maxQueueMs, few, shed })}`)
  expect((await fetch(`http://127.0.0.1:${bounded.service.port}/ready`)).status).toBe(200)
  const sum = (what: 'refused' | 'failed') => cold[what] + few[what] + shed[what]
  expect(await metric(bounded.service, SHED)).toBe(sum('refused'))
  expect(await metric(bounded.service, UNAVAILABLE)).toBe(sum('refused') + sum('failed'))
  await bounded.service.stop()
  return { calm, control, few, shed }
}

it.each(PROVIDERS)(
  'overload on %s: who is let in waits little longer, others hear so at once',
  async (provider) => {
    for (let tries = 1; ; tries += 1) {
      const { calm, control, few, shed } = await compare(provider)
      const change = few.medianMs / calm.medianMs
      // The bound was made for another machine, if others have come to work on it or have ended meanwhile.
      if (tries < TRIES && (change > 1.5 || change < 1 / 1.5)) continue
      expect(few.refused).toBeLessThan(shed.refused)
      expect(control.others).toBeGreaterThan(shed.others * 1.3)
      return
    }
  },
  TRIES * 60_000,
)
