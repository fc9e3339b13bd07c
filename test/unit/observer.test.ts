import { parse, type OperationDefinitionNode } from 'graphql'
import { expect, it } from 'vitest'
import { AppError } from '../../src/kernel/errors.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { type Logger, silentLogger } from '../../src/kernel/logger.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { createObserver } from '../../src/observe/observer.ts'
import { createOperationNames } from '../../src/observe/operation-names.ts'
import { parseExposition, valuesOf } from '../support/exposition.ts'

const REQUEST = new Request('http://connlog.test/graphql', { method: 'POST' })
const NAMES = 10_000
const NAIVE_NAMES = 1_000

const operationOf = (name: string) => parse(`query ${name} { a }`).definitions[0] as OperationDefinitionNode
const answered = async () => new Response('{}')

/** Series of operations and of their times after so many names. */
async function seriesAfter(names: number, maxLearned: number | undefined): Promise<number> {
  const metrics = createMetrics({ version: '0.0.0', ownProcess: false, clock: systemClock })
  const observer = createObserver({
    instruments: metrics.instruments,
    names: createOperationNames(['Listed'], maxLearned),
    slowMs: 0,
    clock: systemClock,
    logger: silentLogger,
  })
  for (let index = 0; index < names; index += 1)
    await observer.watch(REQUEST, '/graphql', (seen) =>
      observer.operate(seen, operationOf(`Name${index}`), answered),
    )
  const families = parseExposition(await metrics.text())
  return Object.keys(valuesOf(families, 'connlog_graphql_operations_total')).length
}

it('ten thousand names make a hundred series and one for all others', async () => {
  expect(await seriesAfter(NAMES, undefined)).toBe(101)
})

it('names taken as they come make a series each', async () => {
  expect(await seriesAfter(NAIVE_NAMES, Infinity)).toBe(NAIVE_NAMES)
})

it('names are learned from good answers alone, and those of listed operations are known', () => {
  const names = createOperationNames(['Listed'], 1)
  expect([
    names.labelOf(undefined, true, null),
    names.labelOf('Bad', false, null),
    names.labelOf(`clk_${'a'.repeat(10)}`, true, null),
    names.labelOf('N'.repeat(65), true, null),
    names.labelOf('Good', true, null),
    names.labelOf('Late', true, null),
    names.labelOf('Good', false, null),
    names.labelOf('Listed', false, null),
  ]).toEqual(['(none)', '(other)', '(other)', '(other)', 'Good', '(other)', 'Good', 'Listed'])
})

it('no user, and no number of users, takes the places of names that service keys need', () => {
  const names = createOperationNames()
  const learnedBy = (userId: string | null, prefix: string) =>
    Array.from({ length: 200 }, (_, index) => names.labelOf(`${prefix}${index}`, true, userId)).filter(
      (label) => label !== '(other)',
    ).length
  expect(learnedBy('u1', 'A')).toBe(10)
  const others = Array.from({ length: 20 }, (_, user) => learnedBy(`other-${user}`, `B${user}_`))
  expect(others.reduce((sum, one) => sum + one)).toBe(40)
  expect(learnedBy(null, 'C')).toBe(50)
})

it('tells of slow answers at warn and of all others at debug, by what may be told', async () => {
  const lines: [string, object, string][] = []
  const told = (level: string) => (fields: object, message: string) =>
    void lines.push([level, fields, message])
  const logger: Logger = {
    debug: told('debug'),
    info: told('info'),
    warn: told('warn'),
    error: told('error'),
  }
  let steadyMs = 0
  const clock = { ...systemClock, steadyMs: () => steadyMs }
  const names = createOperationNames()
  const observer = createObserver({ instruments: undefined, names, slowMs: 500, clock, logger })
  const take = (tookMs: number, isStream = false) =>
    observer.watch(REQUEST, '/graphql', async (seen) => {
      Object.assign(seen, { requestId: 'r1', route: '/graphql', keyId: 'k1', isStream })
      const response = await observer.operate(seen, operationOf('Recent'), answered)
      steadyMs += tookMs
      return response
    })
  await take(499)
  await take(500)
  await take(9_000, true)
  const line = {
    requestId: 'r1',
    method: 'POST',
    path: '/graphql',
    status: 200,
    operation: 'Recent',
    keyId: 'k1',
  }
  expect(lines).toEqual([
    ['debug', { ...line, durationMs: 499, code: undefined }, 'answered'],
    ['warn', { ...line, durationMs: 500, code: undefined }, 'answered slowly'],
    ['debug', { ...line, durationMs: 9_000, code: undefined }, 'answered'],
  ])
})

it('counts an operation that throws by the code of what it throws, or as aborted where the client left, and throws it on', async () => {
  const metrics = createMetrics({ version: '0.0.0', ownProcess: false, clock: systemClock })
  const { instruments } = metrics
  const options = { instruments, slowMs: 0, clock: systemClock, logger: silentLogger }
  const observer = createObserver({ ...options, names: createOperationNames() })
  const throwing = (error: Error) => {
    const answer = async () => {
      throw error
    }
    return observer.watch(REQUEST, '/graphql', (seen) => observer.operate(seen, operationOf('A'), answer))
  }
  await expect(throwing(new AppError('RATE_LIMITED', 'Too much.'))).rejects.toThrow('Too much.')
  await expect(throwing(new TypeError('a fault'))).rejects.toThrow('a fault')
  const left = new DOMException('This operation was aborted', 'AbortError')
  await expect(throwing(left)).rejects.toThrow('aborted')
  const families = parseExposition(await metrics.text())
  expect(valuesOf(families, 'connlog_graphql_operations_total')).toEqual({
    '(other) rate_limited': 1,
    '(other) internal': 1,
    '(other) aborted': 1,
  })
})
