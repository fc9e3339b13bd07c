import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../../src/kernel/clock.ts'
import { startNode } from '../command.ts'
import { type Service, startDefaultService } from '../service.ts'
import { type Client, createClient } from './client.mjs'
import type { Ground } from './ground.ts'

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
  /** Resident memory once nobody asks any more. */
  readonly restMb: number
  /** Logs of other users that were acknowledged, and how many of them are not there afterwards. */
  readonly recorded: number
  readonly lost: number
  /** Whether the process still answered at its end. */
  readonly isAlive: boolean
}

const HEALTH_EVERY_MS = 20
const PAGE_EVERY_MS = 100
const STREAM_EVERY_MS = 500
const MEMORY_EVERY_MS = 50
const WARM_UP_MS = 3_000
const MEGABYTE = 1024 * 1024

/** A page, a stream and a line of NDJSON: what other users ask for. */
const PAGE =
  '{ connectionLogs(limit: 20) { logs { id platform eventType error { code } createdAt } pagination { total } } }'
const STREAM = 'subscription { connectionLogRecorded { cursor } }'
const LOG = { platform: 'tiktok', eventType: 'connect_success', connectionMethod: 'oauth' }

export interface MeasureOptions {
  readonly seconds: number
  /** Whether to wait at the end until the process gives memory back, for a minute at most. */
  readonly isMemoryAwaited?: boolean
}

/** The name of one of the greedy kinds, and whose keys it uses: the first greedy user's unless given. */
export interface AttackPlan {
  readonly name: string
  readonly user?: number
}

export async function measure(
  plans: readonly AttackPlan[],
  ground: Ground,
  { seconds, isMemoryAwaited = false }: MeasureOptions,
): Promise<Noticed> {
  const service = await startDefaultService(ground.databaseUrl, {
    NODE_ENV: 'production',
    RATE_LIMIT_PER_MINUTE: '1200',
  })
  const probe = createClient(service.port)
  try {
    await watch(service, probe, ground, WARM_UP_MS)
    const calmMb = memoryMb(service)
    const attacks = plans.map(({ name, user = 0 }) => ({ name, user: ground.greedy[user] }))
    const attacker = startNode([ATTACKER, JSON.stringify({ port: service.port, attacks })], {}, null)
    const seen = await watch(service, probe, ground, seconds * 1_000)
    attacker.kill('SIGKILL')
    await attacker.finished
    const isAlive = (await probe.send('/health')).status === 200
    const restMb = isMemoryAwaited ? await memoryAtRest(service) : memoryMb(service)
    return { ...seen, calmMb, restMb, isAlive, lost: await lostOf(seen.eventIds, probe, ground) }
  } finally {
    probe.close()
    await service.kill()
  }
}

const ATTACKER = fileURLToPath(new URL('attacker.mjs', import.meta.url))

async function watch(service: Service, probe: Client, ground: Ground, forMs: number) {
  const { signal, ...over } = endAfter(forMs)
  let slowestHealthMs = 0
  let peakMb = 0
  let [succeeded, asked] = [0, 0]
  const pageMs: number[] = []
  const eventIds: Acknowledged[] = []
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
      const eventId = randomUUID()
      const body = `${JSON.stringify({ ...LOG, eventId })}\n`
      const sent = { method: 'POST', key, body, contentType: 'application/x-ndjson' }
      const { status } = await probe.send('/api/v1/connections/logs', sent)
      count(status === 200)
      if (status === 200) eventIds.push({ key, eventId })
    }),
  ])
  const memory = every(MEMORY_EVERY_MS, signal, async () => {
    peakMb = Math.max(peakMb, memoryMb(service))
  })
  await Promise.all([health, memory, ...others])
  over.stop()
  return { slowestHealthMs, pageMs, succeeded, asked, peakMb, eventIds, recorded: eventIds.length }
}

interface Acknowledged {
  readonly key: string
  readonly eventId: string
}

/** An event that is sent again is not created again, unless it was lost. */
async function lostOf(all: readonly Acknowledged[], probe: Client, { modest }: Ground): Promise<number> {
  let lost = 0
  for (const { key } of modest) {
    const lines = all
      .filter((one) => one.key === key)
      .map(({ eventId }) => JSON.stringify({ ...LOG, eventId }))
    const sent = { method: 'POST', key, body: lines.join('\n'), contentType: 'application/x-ndjson' }
    const { text } = await probe.send('/api/v1/connections/logs', sent)
    if (lines.length > 0) lost += (JSON.parse(text) as { accepted: number }).accepted
  }
  return lost
}

async function memoryAtRest(service: Service): Promise<number> {
  let least = memoryMb(service)
  for (let second = 0; second < 60; second += 1) {
    await systemClock.sleep(1_000)
    least = Math.min(least, memoryMb(service))
  }
  return least
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
