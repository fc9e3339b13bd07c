import { LateError } from './failure.ts'
import type { LateLog, LatePage } from './page.ts'

/** What a page brought: logs that no page before it had. */
export interface Walked {
  readonly fresh: readonly LateLog[]
  /** How many logs the list had at that moment. */
  readonly total: number
}

/** Logs that a page is to share with the one before it. As many may vanish in between without a step back. */
const OVERLAP = 10

/** How far to step back at first, and at most, in logs. */
const FIRST_STEP = 50
const MAX_STEP = 50_000

/** Ids that are remembered; the next page has to join one of them. More than {@link MAX_STEP}, at about 100 bytes each. */
const REMEMBERED = 2 * MAX_STEP

/** Pages one after another that may bring nothing, and returns to the beginning, before the list is too restless. */
const MAX_IDLE = 50
const MAX_RETURNS = 50

/**
 * Reads a list page by page while it changes, and misses no log that is in it from beginning to end.
 *
 * `skip` counts from the newest log, so whatever arrives pushes the rest along, and whatever vanishes (it expires, a
 * user is erased) lets the rest move up: with `skip += limit` as many logs are then passed over unseen. What holds is
 * the order of the logs. Say that all lasting logs down to some log, the frontier, have been seen. A page that has in it
 * any log seen before begins at or above the frontier, and a page is an unbroken piece of the list. So all lasting logs
 * down to the end of that page have now been seen, and the frontier is there or further. A page that joins nothing may
 * lie beyond a gap: it is let go, and an earlier one is asked for. The one at `skip` 0 needs nothing to join, so there
 * is always a way back. The last page joins too, so nothing is left behind it.
 *
 * Where to ask next is a guess alone: the logs are numbered as they are seen, so the last log of a page tells how far it
 * is from there to the frontier. A guess that was too far (what lay between has vanished) is halved.
 *
 * @param pageAt reads the page after so many logs
 * @throws {LateError} where the list moves faster than it can be read, and whatever `pageAt` throws
 */
export async function* walk(pageAt: (skip: number) => Promise<LatePage>): AsyncGenerator<Walked> {
  const seen = new Map<string, number>()
  let number = 0
  let skip = 0
  let step = FIRST_STEP
  /** Where a page joined nothing since the last one that brought something. */
  let gapAt = Number.POSITIVE_INFINITY
  let idle = 0
  let returns = 0

  for (;;) {
    const { logs, total, isLast } = await pageAt(skip)
    if (skip > 0 && !logs.some(({ _id }) => seen.has(_id))) {
      gapAt = skip
      skip = Math.max(0, skip - step)
      step = Math.min(step * 2, MAX_STEP)
      if (skip === 0 && (returns += 1) > MAX_RETURNS) throw tooRestless()
      continue
    }
    step = FIRST_STEP
    const fresh = logs.filter(({ _id }) => {
      if (seen.has(_id)) return false
      seen.set(_id, (number += 1))
      return true
    })
    forgetTheOldest(seen)
    yield { fresh, total }
    if (isLast) return

    const end = skip + logs.length
    const toFrontier = number - (seen.get(logs.at(-1)?._id ?? '') ?? number)
    if (fresh.length > 0) {
      gapAt = Number.POSITIVE_INFINITY
      idle = 0
    } else if ((idle += 1) > MAX_IDLE) throw tooRestless()
    const guess = end + toFrontier < gapAt ? toFrontier : Math.max(0, Math.floor((gapAt - end) / 2))
    skip = end + guess - Math.min(OVERLAP, Math.floor(logs.length / 2))
  }
}

function forgetTheOldest(seen: Map<string, number>): void {
  for (const id of seen.keys()) {
    if (seen.size <= REMEMBERED) return
    seen.delete(id)
  }
}

const tooRestless = () =>
  new LateError('The list of logs moves faster than it can be read: page after page brought nothing new.')
