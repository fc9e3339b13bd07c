import { Gauge, Registry, collectDefaultMetrics } from 'prom-client'
import type { CoreWitness } from '../core.ts'
import { type Clock, SECOND_MS } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import { type GaugeSources, addGauges } from './gauges.ts'
import { type Instruments, createInstruments } from './instruments.ts'

export interface Metrics {
  readonly instruments: Instruments
  readonly witness: CoreWitness
  /** The same logger, whose warnings and errors are counted. */
  counted(logger: Logger): Logger
  /** @param sources where the work can be read once it has begun; `system` is what OpenTelemetry calls the database */
  addGauges(sources: GaugeSources & { readonly system: string }): void
  /** All of it as Prometheus reads it. */
  text(): Promise<string>
  readonly contentType: string
}

export interface MetricsOptions {
  readonly version: string
  /** Whether the process is ours, so that its memory and its event loop are ours to tell of. */
  readonly ownProcess: boolean
  readonly clock: Clock
}

/** A registry of its own for each service: a process may hold several, and a host has its own. */
export function createMetrics({ version, ownProcess, clock }: MetricsOptions): Metrics {
  const registry = new Registry()
  if (ownProcess) collectDefaultMetrics({ register: registry })
  const build = new Gauge({
    name: 'connlog_build_info',
    help: 'Which version runs, on which database.',
    labelNames: ['version', 'database'],
    registers: [registry],
  })
  const instruments = createInstruments(registry, () => clock.now() / SECOND_MS)

  return {
    instruments,
    witness: {
      recorded: instruments.recorded,
      committed: (tookMs) => instruments.committed(tookMs / SECOND_MS),
      cleanedUp: (round) => {
        if (round === 'failed') instruments.cleanedUp('failed')
        else instruments.cleanedUp('ok', { deleted: round.deleted, seconds: round.tookMs / SECOND_MS })
      },
      merged: instruments.merged,
    },
    counted: (logger) => ({
      debug: (fields, message) => logger.debug(fields, message),
      info: (fields, message) => logger.info(fields, message),
      warn: (fields, message) => {
        instruments.lineLogged('warn')
        logger.warn(fields, message)
      },
      error: (fields, message) => {
        instruments.lineLogged('error')
        logger.error(fields, message)
      },
    }),
    addGauges: ({ system, ...sources }) => {
      build.set({ version, database: system }, 1)
      addGauges(registry, sources)
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}
