import type { Clock } from './clock.ts'
import { type Logger, logFailure, traceOf } from './logger.ts'

/** Something that runs until it is stopped. `stop` may be called more than once. */
export interface Running {
  stop(): Promise<void>
}

/**
 * The one list of what has been started. Whoever starts a thing adds its stop; `stop` runs them backwards, each
 * even if an earlier one failed, and may be called again.
 */
export interface Lifecycle {
  add(name: string, part: Running): void
  stop(): Promise<void>
}

export function createLifecycle(logger: Logger): Lifecycle {
  const parts: { name: string; part: Running }[] = []
  let stopping: Promise<void> | undefined
  const stopAll = async () => {
    for (let next = parts.pop(); next; next = parts.pop()) {
      try {
        await next.part.stop()
      } catch (error) {
        logger.error({ err: traceOf(error), part: next.name }, 'a part did not stop cleanly')
      }
    }
  }
  return {
    add: (name, part) => void parts.push({ name, part }),
    stop: () => (stopping ??= stopAll().finally(() => (stopping = undefined))),
  }
}

/**
 * Runs `work` now and then again `intervalMs` after each run has ended, so that runs never overlap. A run that
 * fails is logged and the next one comes all the same. `stop` waits for a run under way, whose signal is aborted.
 */
export function every(
  intervalMs: number,
  name: string,
  work: (signal: AbortSignal) => Promise<void>,
  { clock, logger }: { clock: Clock; logger: Logger },
): Running {
  const aborter = new AbortController()
  const loop = (async () => {
    while (!aborter.signal.aborted) {
      try {
        await work(aborter.signal)
      } catch (error) {
        if (!aborter.signal.aborted) logFailure(error, { task: name }, logger)
      }
      await clock.sleep(intervalMs, aborter.signal)
    }
  })()
  return {
    stop: async () => {
      aborter.abort()
      await loop
    },
  }
}
