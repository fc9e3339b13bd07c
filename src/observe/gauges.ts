import { Counter, Gauge, type Registry } from 'prom-client'
import type { CoreFigures } from '../core.ts'
import type { PoolFigures } from '../database/load.ts'
import { SECOND_MS } from '../kernel/clock.ts'
import type { Reading } from './backlog.ts'

/** Where gauges are read when somebody scrapes. None of it asks the database. */
export interface GaugeSources {
  readonly figures: () => CoreFigures
  /** Requests that are under way, and how many were sent away so far. */
  readonly requests: () => { readonly inside: number; readonly refused: number }
  readonly pool: () => PoolFigures | undefined
  readonly isHearing: () => boolean | undefined
  readonly latest: () => Reading | undefined
}

/** Gauges of the work as it stands. What cannot be told is absent, and never 0. */
export function addGauges(
  registry: Registry,
  { figures, requests, pool, isHearing, latest }: GaugeSources,
): void {
  const gauge = (name: string, help: string, read: () => number | undefined) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const value = read()
        if (value === undefined) this.remove()
        else this.set(value)
      },
    })
  const flag = (value: boolean | undefined) => (value === undefined ? undefined : Number(value))

  gauge(
    'connlog_http_requests_under_way',
    'Requests that are worked on, streams of lines included.',
    () => requests().inside,
  )
  const shed = new Counter({
    name: 'connlog_http_requests_shed_total',
    help: 'Requests that were sent away because there were too many.',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(requests().refused)
    },
  })
  void shed
  gauge('connlog_commit_queue_logs', 'Logs that wait to be stored.', () => figures().pendingLogs)
  gauge('connlog_streams_open', 'Subscriptions that are served.', () => figures().openStreams)
  gauge('connlog_feed_readers', 'Readers of the live feed.', () => figures().feed.readers)
  gauge(
    'connlog_feed_held_events',
    'Events in memory for readers that are a little behind.',
    () => figures().feed.heldEvents,
  )
  gauge(
    'connlog_feed_lag_seconds',
    'For how long a transaction that is still open has kept back what was stored after it.',
    () => figures().feed.heldBackMs / SECOND_MS,
  )
  gauge('connlog_feed_listening', 'Whether hints of other processes are heard.', () => flag(isHearing()))

  const connections = new Gauge({
    name: 'connlog_database_pool_connections',
    help: 'Connections to the database.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const now = pool()
      if (!now) return
      this.set({ state: 'busy' }, now.busy)
      this.set({ state: 'idle' }, now.idle)
    },
  })
  void connections
  gauge('connlog_database_pool_size', 'Most connections that are held.', () => pool()?.max)
  gauge('connlog_database_pool_waiting', 'Who waits for a connection.', () => pool()?.waiting)

  gauge('connlog_database_up', 'Whether the database answered when it was last asked.', () =>
    flag(latest()?.isUp),
  )
  gauge(
    'connlog_counts_notes_waiting',
    'Notes that are not merged into the counts yet.',
    () => latest()?.backlog?.notes,
  )
  gauge('connlog_days_ahead', 'Days after today for which there is room.', () => latest()?.backlog?.daysAhead)
}
