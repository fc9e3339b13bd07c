import { readFileSync } from 'node:fs'
import { systemClock } from '../../../src/kernel/clock.ts'
import { type Service, startService } from '../service.ts'
import { type Client, createClient } from './client.ts'
import type { Ground } from './ground.ts'
import type { GreedyKind } from './kinds.ts'

/** What others noticed while somebody asked for too much. */
export interface Noticed {
  readonly slowestHealthMs: number
  readonly pageMs: readonly number[]
  /** Requests of other users that succeeded, and all of them. */
  readonly succeeded: number
  readonly asked: number
  /** Resident memory in MB: before, and at most. */
  readonly calmMb: number
  readonly peakMb: number
  /** Whether the process still answered at its end. */
  readonly isAlive: boolean
}

const HEALTH_EVERY_MS = 20
const PAGE_EVERY_MS = 50
const STREAM_EVERY_MS = 500
const MEMORY_EVERY_MS = 50
const WARM_UP_MS = 3_000
const MEGABYTE = 1024 * 1024

/** A page, a stream and a line of NDJSON: what other users ask for. */
const PAGE =
  '{ connectionLogs(limit: 20) { logs { id platform eventType error { code } createdAt } pagination { total } } }'
const STREAM = 'subscription { connectionLogRecorded { cursor } }'
const LINE = '{"platform":"tiktok","eventType":"connect_success","connectionMethod":"oauth"}\n'

/** @param settings of the service beside those of production */
export async function measure(
  kinds: readonly GreedyKind[],
  ground: Ground,
  { seconds, settings = {} }: { readonly seconds: number; readonly settings?: Record<string, string> },
): Promise<Noticed> {
  const service = await startService(ground.databaseUrl, {
    RATE_LIMIT_PER_MINUTE: '1200',
    LOG_LEVEL: 'error',
    ...settings,
  })
  const probe = createClient(service.port)
  const attackers = kinds.map(() => createClient(service.port))
  try {
    await watch(service, probe, ground, WARM_UP_MS, [])
    const calmMb = memoryMb(service)
    const attacks = kinds.map((kind, index) => ({ kind, client: attackers[index] ?? probe }))
    const seen = await watch(service, probe, ground, seconds * 1_000, attacks)
    return { ...seen, calmMb, isAlive: (await probe.send('/health')).status === 200 }
  } finally {
    probe.close()
    for (const client of attackers) client.close()
    await service.kill()
  }
}

async function watch(
  service: Service,
  probe: Client,
  ground: Ground,
  forMs: number,
  attacks: readonly { readonly kind: GreedyKind; readonly client: Client }[],
) {
  const { signal, ...over } = endAfter(forMs)
  let slowestHealthMs = 0
  let peakMb = 0
  let [succeeded, asked] = [0, 0]
  const pageMs: number[] = []
  const count = (isGood: boolean) => {
    asked += 1
    if (isGood) succeeded += 1
  }
  const health = every(HEALTH_EVERY_MS, signal, async () => {
    const startMs = systemClock.steadyMs()
    await probe.send('/health')
    slowestHealthMs = Math.max(slowestHealthMs, systemClock.steadyMs() - startMs)
  })
  const others = ground.modest.flatMap(({ key }) => [
    every(PAGE_EVERY_MS, signal, async () => {
      const startMs = systemClock.steadyMs()
      const { status, text } = await probe.graphql(key, PAGE)
      pageMs.push(systemClock.steadyMs() - startMs)
      count(status === 200 && !text.includes('"errors"'))
    }),
    every(STREAM_EVERY_MS, signal, async () => {
      const { status, close } = await probe.subscribe(key, STREAM)
      close()
      count(status === 200)
    }),
    every(STREAM_EVERY_MS, signal, async () => {
      const sent = { method: 'POST', key, body: LINE, contentType: 'application/x-ndjson' }
      count((await probe.send('/api/v1/connections/logs', sent)).status === 200)
    }),
  ])
  const memory = every(MEMORY_EVERY_MS, signal, async () => {
    peakMb = Math.max(peakMb, memoryMb(service))
  })
  const done = attacks.map(({ kind, client }) => kind.run({ client, ground, signal }).catch(() => undefined))
  await Promise.all([health, memory, ...others])
  for (const { client } of attacks) client.close()
  await Promise.race([Promise.all(done), systemClock.sleep(5_000)])
  over.stop()
  return { slowestHealthMs, pageMs, succeeded, asked, peakMb }
}

function endAfter(ms: number) {
  const aborter = new AbortController()
  const timer = setTimeout(() => aborter.abort(), ms)
  return { signal: aborter.signal, stop: () => clearTimeout(timer) }
}

/** Begins `work` at this interval, whether or not the last one has ended; waits for those under way at its end. */
async function every(ms: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  const underWay = new Set<Promise<void>>()
  while (!signal.aborted) {
    const one: Promise<void> = work().finally(() => underWay.delete(one))
    underWay.add(one)
    await systemClock.sleep(ms, signal)
  }
  await Promise.all(underWay)
}

function memoryMb({ pid }: Service): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return (Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024) / MEGABYTE
}
