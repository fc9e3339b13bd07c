import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  CONNECTION_METHODS,
  type ConnectionLog,
  EVENT_TYPES,
  PLATFORMS,
} from '../../src/connections/event.ts'
import { sightOf } from '../../src/auth/sight.ts'
import { type ConnectionFilterInput, parseConnectionFilter } from '../../src/connections/filter.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import { connectionStats } from '../../src/connections/stats.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { DAY_MS } from '../../src/kernel/clock.ts'
import { createQuery } from '../../src/logs/query.ts'
import { createLogStore } from '../../src/logs/store.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'
import { filters, naiveMatch, recordInputs, userFilters } from '../support/random-logs.ts'

/** In the week in which Berlin's clocks went back. */
const NOW = Date.UTC(2026, 9, 27, 13, 17, 30, 5)
const LOGS = 400
const CASES = 150

const questions = fc.record({
  filter: filters(NOW),
  plain: fc.boolean(),
  userId: userFilters,
  asUser: fc.option(fc.constantFrom('u1', 'u2', 'nobody'), { nil: null }),
  days: fc.constantFrom(1, 2, 7),
  interval: fc.constantFrom('hour' as const, 'day' as const),
  timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns', 'Pacific/Apia'),
})

const formats = new Map<string, Intl.DateTimeFormat>()

/** The hour or day of an instant in a time zone, by another calendar than the one under test: Intl's. */
function labelOf(ms: number, interval: 'hour' | 'day', timeZone: string): string {
  const key = `${interval} ${timeZone}`
  const format =
    formats.get(key) ??
    new Intl.DateTimeFormat('en-CA', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      ...(interval === 'hour' ? { hour: '2-digit', hourCycle: 'h23', timeZoneName: 'longOffset' } : {}),
    })
  formats.set(key, format)
  return format.format(ms)
}

const count = <T>(logs: readonly T[], pick: (log: T) => boolean) => logs.filter(pick).length

function naivePercentile(values: readonly number[], fraction: number): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  if (sorted.length === 0) return null
  const place = (sorted.length - 1) * fraction
  const [low, high] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0]
  return low + (high - low) * (place % 1)
}

const naiveRate = (logs: readonly ConnectionLog[]) => {
  const [succeeded, failed] = ['success', 'failed'].map((end) =>
    count(logs, ({ eventType }) => eventType.endsWith(end)),
  ) as [number, number]
  const successRate = succeeded + failed === 0 ? null : succeeded / (succeeded + failed)
  return { total: logs.length, succeeded, failed, successRate }
}

describe.each(PROVIDERS)('numbers on %s', (provider) => {
  let app: TestApp
  let stored: ConnectionLog[]

  beforeAll(async () => {
    app = keep(await startTestApp(provider, { clock: createTestClock(NOW) }))
    const inputs = fc.sample(recordInputs(NOW), { seed: 11, numRuns: LOGS })
    const outcomes = await app.connectionLogs.recordEach(inputs.map((value) => ({ value, at: '' })))
    stored = outcomes.map((outcome) => {
      if (outcome instanceof AppError) throw outcome
      return outcome.log
    })
    // Some are merged into the counts, some still noted.
    await app.counts.merge()
    const later = fc.sample(recordInputs(NOW), { seed: 12, numRuns: LOGS / 4 })
    for (const recorded of await app.connectionLogs.record(later.map((value) => ({ value, at: '' }))))
      stored.push(recorded.log)
  })
  afterAll(() => app.stop())

  it.each([
    ['the counts', 0],
    ['the logs, where they are few', Infinity],
  ])('from %s are those of a naive count', async (_, countedFrom) => {
    const store = createLogStore(app.database, connectionLogKind, { countedFrom })
    await fc.assert(
      fc.asyncProperty(questions, async ({ filter, plain, userId, asUser, days, interval, timeZone }) => {
        const { platform, eventType, status, connectionMethod, createdAfter, createdBefore } = filter
        const input: ConnectionFilterInput = {
          ...(plain
            ? { platform, eventType, status, connectionMethod, createdAfter, createdBefore }
            : filter),
          ...(asUser === null ? { userId } : {}),
        }
        const sight = sightOf({ userId: asUser })
        const horizon = { nowMs: NOW, retentionMs: 7 * DAY_MS }
        const query = createQuery(sight, parseConnectionFilter(input), horizon, days * DAY_MS)
        // So that the store knows by now whether they are few.
        await store.page(query, { limit: 1, skip: 0 })
        const stats = await connectionStats(store, query, { days, interval, timeZone }, NOW)
        const logs = stored.filter(
          (log) =>
            log.createdAt > NOW - days * DAY_MS &&
            (asUser === null || log.userId === asUser) &&
            naiveMatch(input, log),
        )
        expect(stats).toMatchObject(naiveRate(logs))
        const platforms = PLATFORMS.map((one) => ({
          platform: one,
          ...naiveRate(logs.filter((log) => log.platform === one)),
        })).filter(({ total }) => total > 0)
        expect(new Set(stats.byPlatform)).toEqual(new Set(platforms))
        expect(stats.byPlatform.map(({ total }) => total)).toEqual(
          platforms.map(({ total }) => total).sort((a, b) => b - a),
        )
        expect(stats.byEventType).toEqual(
          EVENT_TYPES.map((one) => ({ eventType: one, total: count(logs, (log) => log.eventType === one) })),
        )
        expect(stats.byConnectionMethod).toEqual(
          CONNECTION_METHODS.map((one) => ({
            connectionMethod: one,
            ...naiveRate(logs.filter((log) => log.connectionMethod === one)),
          })),
        )
        const codes = new Map<string, number>()
        for (const { error } of logs)
          if (error?.code !== undefined) codes.set(error.code, (codes.get(error.code) ?? 0) + 1)
        expect(await stats.errorCodes(3)).toEqual(
          [...codes]
            .map(([code, total]) => ({ code, total }))
            .sort((a, b) => b.total - a.total || (a.code < b.code ? -1 : 1))
            .slice(0, 3),
        )
        const durations = logs.flatMap(({ durationMs }) => (durationMs === null ? [] : [durationMs]))
        expect(await stats.durationMs()).toEqual({
          count: durations.length,
          median: naivePercentile(durations, 0.5),
          p95: naivePercentile(durations, 0.95),
          sampled: false,
        })

        // The series: without a gap, every period one of the calendar, and each log in the one that Intl names.
        const labels = logs.map(({ createdAt }) => labelOf(createdAt, interval, timeZone))
        for (const [index, point] of stats.series.entries()) {
          expect(point.end).toBeGreaterThan(point.start)
          if (index > 0) expect(point.start).toBe(stats.series[index - 1]?.end)
          const label = labelOf(point.start, interval, timeZone)
          expect(labelOf(point.end - 1, interval, timeZone)).toBe(label)
          expect(labelOf(point.start - 1, interval, timeZone)).not.toBe(label)
          const inside = logs.filter((_, index) => labels[index] === label)
          expect(point).toMatchObject(naiveRate(inside))
        }
        expect(stats.series.reduce((sum, { total }) => sum + total, 0)).toBe(logs.length)
      }),
      { numRuns: CASES, seed: 20_261_126 },
    )
  })
})
