import { expect, it } from 'vitest'
import { connectionLogKind } from '../../src/connections/kind.ts'
import type { Database } from '../../src/database/port.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { createCountKeeper } from '../../src/logs/counts.ts'
import { createTestClock } from '../support/clock.ts'

const INTERVAL_MS = 2_000

/** How long counts are left alone after a merge that lasts as long, in milliseconds. */
async function pauseAfter(mergeMs: number): Promise<number> {
  const clock = createTestClock(0)
  let merges = 0
  let pauseMs = 0
  let mergedAgain: () => void = () => undefined
  const again = new Promise<void>((resolve) => (mergedAgain = resolve))
  const mergeCounts = async () => {
    merges += 1
    if (merges === 2) mergedAgain()
    clock.advance(mergeMs)
    return false
  }
  const sleep = async (ms: number, signal?: AbortSignal) => {
    if (merges === 1) pauseMs += ms
    await clock.sleep(1, signal)
  }
  const keeper = createCountKeeper({ storage: { mergeCounts } } as unknown as Database, connectionLogKind, {
    clock: { ...clock, sleep },
    logger: silentLogger,
  })
  const running = keeper.start(INTERVAL_MS)
  await again
  await running.stop()
  return pauseMs
}

it.each([
  [0, INTERVAL_MS],
  [500, INTERVAL_MS + 1_000],
  [10_000, INTERVAL_MS + 4_000],
])('merges of %i ms are %i ms apart', async (mergeMs, pauseMs) => {
  expect(await pauseAfter(mergeMs)).toBe(pauseMs)
})
