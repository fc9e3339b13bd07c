import { Readable } from 'node:stream'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { actingFor } from '../../src/auth/principal.ts'
import { itemsOf } from '../../src/cli/intake/items.ts'
import { createReport } from '../../src/cli/intake/report.ts'
import { takeIn } from '../../src/cli/intake/take-in.ts'
import { PLATFORMS } from '../../src/connections/event.ts'
import { DAY_MS, systemClock } from '../../src/kernel/clock.ts'
import { formatInstant } from '../../src/kernel/instant.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { ENCODINGS, FORMS, type Fields, lines } from '../support/log-forms.ts'
import { recordInputs } from '../support/random-logs.ts'

let app: TestApp
let users = 0
beforeAll(async () => {
  app = keep(await startTestApp('sqlite'))
})
afterAll(() => app.stop())

/** Records what `import` would, without opening the database each time. */
async function take(chunks: readonly Uint8Array[]): Promise<Fields[]> {
  users += 1
  const report = createReport()
  const source = { name: 'test', chunks: Readable.from(chunks), bytesRead: () => 0, close: () => undefined }
  await takeIn(itemsOf(source, { platforms: PLATFORMS, clock: systemClock, prefix: '' }), {
    logs: app.connectionLogsOf(actingFor(`user-${users}`)),
    report,
    steadyMs: systemClock.steadyMs,
    onProgress: () => undefined,
  })
  expect(report.toJson()).toMatchObject({ rejected: 0, skippedFields: {}, errors: [] })
  const logs = []
  for await (const page of app.connectionLogs.everything({ userId: [`user-${users}`] })) logs.push(...page)
  return logs
    .map(({ id: _, userId: __, ...said }) => said)
    .sort((a, b) => ((a.eventId ?? '') < (b.eventId ?? '') ? -1 : 1))
}

it.each(Object.keys(FORMS))('stores the same logs in whatever encoding from %s', async (name) => {
  const nowMs = systemClock.now()
  const log = fc
    .tuple(recordInputs(nowMs), fc.integer({ min: 0, max: 6 * DAY_MS }))
    .map(([input, age]) => ({ ...input, userId: undefined, createdAt: formatInstant(nowMs - age) }))
  await fc.assert(
    fc.asyncProperty(
      fc.array(log, { minLength: 3, maxLength: 6 }),
      fc.constantFrom(...Object.values(ENCODINGS)),
      fc.integer({ min: 1, max: 400 }),
      async (given, encode, size) => {
        const logs = given.map((said, index) => ({ ...said, eventId: `e${index}` }))
        const plain = await take([Buffer.from(lines(...logs))])
        expect(plain).toHaveLength(logs.length)
        const bytes = encode(FORMS[name]?.(logs) ?? '')
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
          bytes.subarray(index * size, (index + 1) * size),
        )
        expect(await take(chunks)).toEqual(plain)
      },
    ),
    { numRuns: 8 },
  )
})
