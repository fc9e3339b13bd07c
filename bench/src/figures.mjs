import { bulkIngest } from './figures/bulk-ingest.mjs'
import { cleanupDay } from './figures/cleanup-day.mjs'
import { cleanupStall } from './figures/cleanup-stall.mjs'
import { deepSkip } from './figures/deep-skip.mjs'
import { firstPage } from './figures/first-page.mjs'
import { liveFeed } from './figures/live-feed.mjs'
import { pageCpu } from './figures/page-cpu.mjs'
import { points } from './figures/points.mjs'
import { singleWrites } from './figures/single-writes.mjs'
import { sqliteIngest } from './figures/sqlite-ingest.mjs'
import { total } from './figures/total.mjs'

/**
 * A figure, or some that come out of one measurement: one file under `figures/`, one line here.
 * @typedef {object} Measurement
 * @property {Figure[]} figures
 * @property {'filled' | 'server' | 'nothing'} needs what has to be there, see `ground.mjs`
 * @property {(bench: Bench) => Promise<{ ratios: Record<string, Ratio>, details: unknown }>} measure `ratios` by id; an
 *   id that could not be measured is left out. `details` goes into the results as it is.
 *
 * @typedef {object} Figure
 * @property {string} id
 * @property {string} title
 * @property {number} [must] the ratio that has to be reached; a figure without it is reported and no more
 * @property {number} [goal]
 * @property {'at most' | 'at least'} reach whether a small or a great ratio is good
 * @property {'ms'} [unit] where the figure is no ratio but a time
 *
 * @typedef {{ value: number, min: number, max: number }} Ratio the median, and the extremes over all rounds
 *
 * @typedef {object} Bench
 * @property {import('./options.mjs').Options} options
 * @property {{ url: string, cpuMs(): number }} postgres unless nothing is needed
 * @property {Record<'small' | 'mid' | 'big', { userId: string, logs: number, key: string }>} tenants if filled
 * @property {ReturnType<import('./field.mjs').createField>} field if filled
 * @property {(stop: () => unknown) => void} onStop is told how to undo what the measurement has started
 * @property {(below: number) => number} random
 * @property {(text: string) => void} say
 */

/** @type {Measurement[]} */
export const MEASUREMENTS = [
  pageCpu,
  firstPage,
  deepSkip,
  total,
  bulkIngest,
  singleWrites,
  sqliteIngest,
  cleanupDay,
  cleanupStall,
  liveFeed,
  points,
]

/** @param {string[] | undefined} only ids or beginnings of ids */
export function wantedMeasurements(only) {
  const isWanted = ({ id }) => only === undefined || only.some((start) => id.startsWith(start.toUpperCase()))
  return MEASUREMENTS.filter(({ figures }) => figures.some(isWanted))
}
