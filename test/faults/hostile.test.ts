import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'
import {
  HOSTILE_KINDS,
  type HostileKind,
  TRANSPORTS,
  type Transport,
  sentBy,
  sizesOf,
} from '../support/hostile.ts'
import { startService } from '../support/service.ts'
import { type WatchedApp, startWatchedApp } from '../support/watched-app.ts'
import { report } from './seed.ts'

const SIZES = 2
const REFUSALS = new Set(['TOO_COMPLEX', 'BAD_USER_INPUT'])

interface Refusal {
  readonly data?: unknown
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[]
}

// First, while nothing else has filled the memory of the one who measures.
it('the process answers all of it and goes on: sized at random, by every transport', async () => {
  const { operations } = inject('faults')
  const app = await startTestApp('sqlite')
  const key = await app.key('u1')
  const service = await startService(app.url, { INTROSPECTION: 'true', MAX_BODY_BYTES: '8388608' })
  const good = () =>
    fetch(`http://127.0.0.1:${service.port}/graphql?query={viewer{userId}}`, {
      headers: { authorization: `Bearer ${key}` },
    })
  // The first requests wait for what a process does once in its life.
  for (const transport of TRANSPORTS)
    for (const kind of HOSTILE_KINDS.slice(0, 3))
      await statusOver(service.port, key, transport, kind, kind.from)
  const times: number[] = []
  let longest = { ms: 0, what: '' }
  const unexpected: string[] = []
  const perKind = Math.ceil(operations / HOSTILE_KINDS.length)
  for (const kind of HOSTILE_KINDS) {
    const sizes = sizesOf(kind, Math.max(2, Math.ceil(perKind / 3)))
    for (let index = 0; index < perKind; index += 1) {
      const transport = TRANSPORTS[index % TRANSPORTS.length] ?? 'POST'
      const size = sizes[index % sizes.length] ?? kind.from
      const isTooLong =
        transport === 'GET' && sentBy(transport, kind.make(size)).path.length > LONGEST_ADDRESS
      const { status, text, ms } = await statusOver(
        service.port,
        key,
        isTooLong ? 'POST' : transport,
        kind,
        size,
      )
      times.push(ms)
      if (ms > longest.ms)
        longest = { ms, what: `${kind.name} of size ${size} by ${transport}, the ${times.length}th` }
      if (status !== 400 || /Did you mean/.test(text) || !/TOO_COMPLEX|BAD_USER_INPUT/.test(text))
        unexpected.push(`${kind.name} of size ${size} by ${transport}: ${status} ${text.slice(0, 200)}`)
    }
  }
  expect(unexpected.slice(0, 5)).toEqual([])
  expect(await (await good()).json()).toEqual({ data: { viewer: { userId: 'u1' } } })
  expect(await service.stop()).toMatchObject({ code: 0, stderr: '' })
  const sorted = times.toSorted((a, b) => a - b)
  const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0
  report(
    `hostile: ${times.length} operations of ${HOSTILE_KINDS.length} kinds refused; median ${sorted[sorted.length >> 1]?.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, longest ${longest.ms.toFixed(1)} ms (${longest.what})`,
  )
  if (inject('faults').areTimed) expect([p99 < P99_MS, longest.ms < LONGEST_MS]).toEqual([true, true])
})

describe.each(PROVIDERS)('what asks for too much on %s', (provider) => {
  let watched: WatchedApp
  let key: string
  beforeAll(async () => {
    watched = await startWatchedApp(provider)
    key = await watched.app.key('u1')
  })
  afterAll(() => watched.stop())

  it.each(HOSTILE_KINDS)('is refused before any resolver, however it is sent: $name', async (kind) => {
    watched.reached.length = 0
    watched.charged.length = 0
    for (const size of sizesOf(kind, SIZES)) {
      for (const transport of TRANSPORTS) {
        const { path, init } = sentBy(transport, kind.make(size))
        const response = await watched.send(key, path, init)
        const { data, errors } = (await response.json()) as Refusal
        const code = errors?.[0]?.extensions.code ?? 'none'
        const what = `${transport} of size ${size}: ${errors?.[0]?.message ?? 'answered'}`
        expect([response.status, data, REFUSALS.has(code)], what).toEqual([400, undefined, true])
        expect(errors?.[0]?.message).toMatch(/^(Expected .*, got .*\.|Cannot spread fragment .*)/)
      }
    }
    expect([watched.reached, watched.charged]).toEqual([[], []])
  })

  it.each(HOSTILE_KINDS.filter(({ isGoodBelow }) => isGoodBelow))(
    'is answered where it asks for one less: $name',
    async (kind) => {
      const { path, init } = sentBy('POST', kind.make(kind.from - 1))
      const response = await watched.send(key, path, init)
      const { data, errors } = (await response.json()) as Refusal
      expect([response.status, errors, typeof data]).toEqual([200, undefined, 'object'])
    },
  )

  it('reaches resolvers in most of its ways where nothing stands before them', async () => {
    const naive = await startWatchedApp(provider, { isGated: false })
    const naiveKey = await naive.app.key('u1')
    const reaching: string[] = []
    for (const kind of HOSTILE_KINDS) {
      naive.reached.length = 0
      const { path, init } = sentBy('POST', kind.make(kind.from))
      await (await naive.send(naiveKey, path, init)).text()
      if (naive.reached.length > 0) reaching.push(kind.name)
    }
    await naive.stop()
    expect(reaching.length).toBeGreaterThan(20)
    expect(reaching).toContain('aliases of __typename')
    expect(reaching).toContain('long pages by a variable')
  })
})

it('there are at least 24 kinds', () => {
  expect(new Set(HOSTILE_KINDS.map(({ name }) => name)).size).toBeGreaterThanOrEqual(24)
})

/** A request over a connection of its own, so that what is too long for a line of HTTP is told from what is refused. */
async function statusOver(
  port: number,
  key: string,
  transport: Transport,
  kind: HostileKind,
  size: number,
): Promise<{ status: number; text: string; ms: number }> {
  const { path, init } = sentBy(transport, kind.make(size))
  const begunAt = performance.now()
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    ...init,
    headers: { ...init.headers, authorization: `Bearer ${key}` },
  })
  const text = await response.text()
  return { status: response.status, text, ms: performance.now() - begunAt }
}

/** Longest address that Node takes, less room for headers, in bytes. */
const LONGEST_ADDRESS = 15_000

const P99_MS = 10
const LONGEST_MS = 50

it('a client that sends byte by byte is cut off', async () => {
  const app = await startTestApp('sqlite')
  const key = await app.key('u1')
  const service = await startService(app.url, { REQUEST_TIMEOUT_SECONDS: '1' })
  const sent = (first: string, next: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(service.port, '127.0.0.1')
      let answer = ''
      socket.on('data', (chunk: Buffer) => void (answer += chunk.toString()))
      socket.on('error', () => undefined)
      socket.on('close', () => {
        resolve(answer)
      })
      socket.write(first)
      void (async () => {
        while (!socket.destroyed) {
          await systemClock.sleep(200)
          if (!socket.destroyed) socket.write(next)
        }
      })()
    })
  const head = (path: string) =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\n`
  const dribbled = [
    sent(`${head('/graphql')}Content-Length: 1000\r\n\r\n{"query":"`, ' '),
    sent(`${head('/api/v1/connections/logs')}Content-Length: 1000\r\n\r\n[`, ' '),
  ]
  // Node allows ten seconds for headers.
  const headers = inject('faults').areTimed
    ? await sent('GET /health HTTP/1.1\r\nHost: x\r\nX-A: ', 'a')
    : undefined
  if (headers !== undefined) expect(headers).toMatch(/^HTTP\/1\.1 408 /)
  for (const answer of await Promise.all(dribbled)) {
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    expect(answer).toContain('Expected the whole body within a second, got a part of it.')
  }
  expect((await service.stop()).code).toBe(0)
})
