import { pauseMs } from '../kernel/backoff.ts'
import { LateError } from './failure.ts'
import type { LatePage } from './page.ts'
import { MAX_WAIT_MS } from './patience.ts'
import { type Asking, askForPage } from './request.ts'

export interface LateClientOptions extends Asking {
  readonly days: number
  /** Called before each wait. */
  readonly onWait?: (wait: Wait) => void
  /** 0 to 1; for the jitter of waits. */
  readonly random?: () => number
}

export interface Wait {
  readonly ms: number
  /** How long the server asks to wait, where that is too long and so is not done. */
  readonly askedMs: number | undefined
  /** The rest of a sentence that begins "The server". */
  readonly why: string
}

/** Logs on a page; Late's own limit. */
export const PAGE_SIZE = 100

/** How often a page is asked for before it is given up. With waits of our own that is about two minutes. */
const MAX_TRIES = 8

/** An answer that is no page is seldom one the next time: it comes from something else than the API. */
const MAX_MALFORMED_TRIES = 3

/**
 * A reader of the pages of a Late-compatible API. It keeps to the server's limit of requests, and tries again what may
 * pass: refusals for load, failures of the network, answers that break off or are no page.
 * @returns a function that reads the page after `skip` logs. It throws {@link LateError}, or whatever `stop` was
 *   aborted with.
 */
export function createLateClient(options: LateClientOptions): (skip: number) => Promise<LatePage> {
  const { days, clock, stop, onWait, random = Math.random } = options
  let notBefore = Number.NEGATIVE_INFINITY
  let askedMs = 0

  async function wait(ms: number, why: string): Promise<void> {
    onWait?.({ ms, askedMs: askedMs > MAX_WAIT_MS ? askedMs : undefined, why })
    await clock.sleep(ms, stop)
    stop.throwIfAborted()
  }

  return async (skip) => {
    // What the last answer asked for; storing its logs has taken a part of it.
    const owedMs = notBefore - clock.now()
    if (owedMs > 0) await wait(owedMs, 'takes no more requests for now')
    for (let tries = 1; ; tries += 1) {
      const answer = await askForPage({ days, limit: PAGE_SIZE, skip }, options)
      askedMs = answer.waitMs ?? 0
      const waitMs = Math.min(askedMs, MAX_WAIT_MS)
      if (answer.is === 'page') {
        notBefore = clock.now() + waitMs
        return answer.page
      }
      if (tries === (answer.is === 'malformed' ? MAX_MALFORMED_TRIES : MAX_TRIES))
        throw new LateError(`Gave up after ${tries} tries: the server ${answer.why}.`)
      await wait(pauseMs(tries, waitMs, random()), answer.why)
    }
  }
}
