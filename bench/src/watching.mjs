// What it costs to watch over a request: `npm run build && node bench/src/watching.mjs`. It needs no database.
import { parse } from 'graphql'
import { UNOBSERVED } from '../../dist/http/observer.js'
import { systemClock } from '../../dist/kernel/clock.js'
import { createLogger } from '../../dist/kernel/logger.js'
import { createMetrics } from '../../dist/observe/metrics.js'
import { createObserver } from '../../dist/observe/observer.js'
import { createOperationNames } from '../../dist/observe/operation-names.js'

const ROUNDS = 15
const REQUESTS = 20_000

const metrics = createMetrics({ version: '0.0.0', ownProcess: false, clock: systemClock })
const observerWith = (/** @type {typeof metrics.instruments | undefined} */ instruments) =>
  createObserver({
    instruments,
    names: createOperationNames(),
    slowMs: 1_000,
    clock: systemClock,
    logger: metrics.counted(createLogger('info')),
  })
const observers = {
  nobody: UNOBSERVED,
  'log and traces': observerWith(undefined),
  'log, traces and metrics': observerWith(metrics.instruments),
}

const [operation] = /** @type {import('graphql').OperationDefinitionNode[]} */ (
  parse('query Recent { viewer }').definitions
)
if (!operation) throw new TypeError('there is no operation')
const request = new Request('http://127.0.0.1/graphql', { method: 'POST' })
const answer = new Response('{}')

const cpuUs = () => {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** @type {Map<string, number[]>} */
const measured = new Map(Object.keys(observers).map((name) => [name, []]))
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, observer] of Object.entries(observers)) {
    const before = cpuUs()
    for (let index = 0; index < REQUESTS; index += 1) {
      await observer.watch(request, async (seen) => {
        Object.assign(seen, { requestId: 'request-1', route: '/graphql', keyId: 'key-1' })
        return observer.operate(seen, operation, async () => answer)
      })
    }
    measured.get(name)?.push((cpuUs() - before) / REQUESTS)
  }
}
for (const [name, rounds] of measured) {
  const median = rounds.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN
  console.log(`watched by ${name.padEnd(24)} ${median.toFixed(1)} µs of CPU a request`)
}
