import type { ConnectionEventType } from '../connections/event.ts'
import { HOUR_MS, SECOND_MS } from '../kernel/clock.ts'
import type { DemoAccount } from './accounts.ts'
import type { Failure } from './failures.ts'
import type { Incident } from './incidents.ts'
import type { Random } from './random.ts'
import type { Rhythm } from './rhythm.ts'

/** Something that happened to an account; with a failure where it failed. */
export interface Happening {
  readonly account: DemoAccount
  readonly atMs: number
  readonly eventType: ConnectionEventType
  readonly failure?: Failure
}

export interface World {
  readonly random: Random
  readonly rhythm: Rhythm
  readonly incidents: readonly Incident[]
  readonly nowMs: number
}

/** After a success; for the others nothing more happens. */
const NEXT_STEPS = [
  { step: 'disconnect', weight: 30 },
  { step: 'attempt', weight: 30 },
  { step: 'end', weight: 40 },
] as const
const COMES_BACK_CHANCE = 0.4
const TRIES_AGAIN_CHANCE = 0.6
const RETURNS_LATER_CHANCE = 0.5
const SAME_AGAIN_CHANCE = 0.45
const MOST_TRIES = 4
const CONNECTED_FOR_MS = 44 * HOUR_MS
const DISCONNECTED_FOR_MS = 14 * HOUR_MS
const GIVEN_UP_FOR_MS = 7 * HOUR_MS

/**
 * What happens to an account from an instant until now: people try again within minutes, give up for hours or for
 * good, stay connected for days, leave, and come back.
 * @param isOld whether the account was connected before, so that the first attempt is a reconnection
 */
export function liveOn(world: World, account: DemoAccount, fromMs: number, isOld: boolean): Happening[] {
  const { random, rhythm, nowMs } = world
  const happenings: Happening[] = []
  let atMs = fromMs
  let isKnown = isOld
  let tries = 0
  let failure: Failure | undefined
  let next: (typeof NEXT_STEPS)[number]['step'] = 'attempt'

  while (atMs < nowMs && next !== 'end') {
    if (next === 'disconnect') {
      happenings.push({ account, atMs, eventType: 'disconnect' })
      next = random.chance(COMES_BACK_CHANCE) ? 'attempt' : 'end'
      atMs = rhythm.after(atMs, DISCONNECTED_FOR_MS)
      continue
    }
    failure = failureOf(world, account, atMs, isKnown, failure)
    tries += 1
    if (failure === undefined) {
      happenings.push({ account, atMs, eventType: isKnown ? 'reconnect_success' : 'connect_success' })
      isKnown = true
      tries = 0
      next = random.weighted(NEXT_STEPS).step
      atMs = rhythm.after(atMs, CONNECTED_FOR_MS)
      continue
    }
    happenings.push({ account, atMs, eventType: isKnown ? 'reconnect_failed' : 'connect_failed', failure })
    if (tries < MOST_TRIES && random.chance(TRIES_AGAIN_CHANCE)) {
      atMs += random.whole(25 * SECOND_MS, 480 * SECOND_MS)
    } else {
      tries = 0
      failure = undefined
      if (!isKnown && !random.chance(RETURNS_LATER_CHANCE)) next = 'end'
      atMs = rhythm.after(atMs, GIVEN_UP_FOR_MS)
    }
  }
  return happenings
}

/** @param last the failure of some minutes ago, which often is still there */
function failureOf(
  { random, incidents }: World,
  { habits }: DemoAccount,
  atMs: number,
  isKnown: boolean,
  last: Failure | undefined,
): Failure | undefined {
  const incident = incidents.find(
    ({ trouble: { platform, hits }, fromMs, untilMs }) =>
      platform === habits.platform && atMs >= fromMs && atMs < untilMs && (hits === 'everybody' || isKnown),
  )
  if (incident && random.chance(0.95)) return random.weighted(incident.trouble.failures)
  if (last) return random.chance(SAME_AGAIN_CHANCE) ? last : undefined
  if (!random.chance(habits.failureRate)) return undefined
  const kind = isKnown ? 'reconnect' : 'connect'
  return random.weighted(habits.failures.filter(({ on }) => on === kind || on === 'any'))
}
