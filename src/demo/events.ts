import type { ConnectionError, ConnectionLog, ConnectionSuccess } from '../connections/event.ts'
import { DAY_MS, HOUR_MS } from '../kernel/clock.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { JsonObject } from '../kernel/json.ts'
import { createAccounts, type DemoAccount } from './accounts.ts'
import { EARLY_FAILURES, type Failure } from './failures.ts'
import { incidentsBetween } from './incidents.ts'
import { liveOn, type Happening, type World } from './lives.ts'
import { PLATFORM_HABITS } from './platforms.ts'
import { createRandom, type Random } from './random.ts'
import { createRhythm } from './rhythm.ts'

export { DEMO_USER_ID } from './accounts.ts'

/** A log as a producer sends it. */
export interface DemoEvent extends Pick<
  ConnectionLog,
  'userId' | 'platform' | 'eventType' | 'connectionMethod'
> {
  eventId?: string
  profileId?: string
  accountId?: string
  success?: ConnectionSuccess
  error?: ConnectionError
  context: ConnectionLog['context']
  durationMs: number
  metadata?: JsonObject
  /** RFC 3339, in UTC. */
  createdAt: string
}

/** Accounts begin to live some days before the window, so that its first day is as busy as the others. */
const WARM_UP_MS = 5 * DAY_MS
const STRANGER_CHANCE = 0.03
const APP_VERSIONS = ['2.41.3', '2.41.3', '2.41.2', '2.40.0']
const DISCONNECT_REASONS = ['user_requested', 'user_requested', 'revoked_on_platform', 'account_deleted']

/**
 * Logs of some days before `nowMs`, as producers would have sent them, oldest first: ordinary days with their
 * failures, three incidents, and something within the last minutes. The same options give the same logs.
 * @param options `days` is more than 0 and may be a fraction; `nowMs` is a whole number
 */
export function demoEvents(options: {
  nowMs: number
  days: number
  count: number
  seed: number
}): DemoEvent[] {
  const { nowMs, count } = options
  const random = createRandom(options.seed)
  const fromMs = nowMs - Math.floor(options.days * DAY_MS)
  const incidents = incidentsBetween(fromMs, nowMs)
  const world = { random, rhythm: createRhythm(random), incidents, nowMs }
  const newAccount = createAccounts(random, nowMs)

  const happenings: Happening[] = []
  const live = (account: DemoAccount, startMs: number, isOld: boolean) => {
    const life = liveOn(world, account, startMs, isOld)
    happenings.push(...life.filter(({ atMs }) => atMs >= fromMs))
  }
  for (const startMs of instantsOfTheLastHour(nowMs, Math.ceil(count / 150))) {
    live(newAccount(), startMs, random.chance(0.5))
  }
  for (const { trouble, fromMs, untilMs } of incidents) {
    const habits = PLATFORM_HABITS.find(({ platform }) => platform === trouble.platform)
    for (let left = Math.ceil(count / 160); left > 0; left -= 1) {
      live(
        newAccount(habits),
        random.whole(fromMs, untilMs - 1),
        trouble.hits === 'reconnections' || random.chance(0.6),
      )
    }
  }
  while (happenings.length < count) {
    if (random.chance(STRANGER_CHANCE)) happenings.push(strangerFails(world, newAccount(), fromMs))
    else live(newAccount(), world.rhythm.instantBetween(fromMs - WARM_UP_MS, nowMs - 1), random.chance(0.15))
  }
  return happenings
    .slice(0, count)
    .sort((a, b) => a.atMs - b.atMs)
    .map((happening) => eventOf(random, happening))
}

/** Denser towards the present: of thirty the latest is four seconds old. */
function instantsOfTheLastHour(nowMs: number, count: number): number[] {
  return Array.from(
    { length: count },
    (_, index) => nowMs - Math.ceil(HOUR_MS * ((index + 1) / (count + 1)) ** 2),
  )
}

/** An OAuth flow that failed before anybody knew whose it was. */
function strangerFails({ random, rhythm, nowMs }: World, account: DemoAccount, fromMs: number): Happening {
  const withOAuth = PLATFORM_HABITS.filter(({ method }) => method === 'oauth')
  return {
    account: { ...account, userId: null, habits: random.weighted(withOAuth), connectionMethod: 'oauth' },
    atMs: rhythm.instantBetween(fromMs, nowMs - 1),
    eventType: 'connect_failed',
    failure: random.weighted(EARLY_FAILURES),
  }
}

function eventOf(random: Random, happening: Happening): DemoEvent {
  const { account, atMs, eventType, failure } = happening
  const isReconnection = eventType.startsWith('reconnect')
  const metadata = metadataOf(random, happening)
  return {
    ...(random.chance(0.92) ? { eventId: `evt_${atMs.toString(36)}${random.hex(12)}` } : {}),
    userId: account.userId,
    ...(account.userId === null ? {} : { profileId: account.profileId }),
    ...(eventType === 'connect_failed' ? {} : { accountId: account.accountId }),
    platform: account.habits.platform,
    eventType,
    connectionMethod: account.connectionMethod,
    ...(eventType.endsWith('_success') ? { success: successOf(random, account, atMs, isReconnection) } : {}),
    ...(failure ? { error: errorOf(random, failure, atMs) } : {}),
    context: { ...account.context, ...(isReconnection ? { isReconnection } : {}) },
    durationMs: durationOf(random, happening),
    ...(metadata ? { metadata } : {}),
    createdAt: formatInstant(atMs),
  }
}

/** Now and then somebody unticks a permission while reconnecting. */
function successOf(
  random: Random,
  account: DemoAccount,
  atMs: number,
  isReconnection: boolean,
): ConnectionSuccess {
  const { displayName, username, profilePicture, accountType, habits } = account
  const { permissions, tokenHours } = habits
  const isShort = isReconnection && permissions.length > 1 && random.chance(0.05)
  return {
    displayName,
    username,
    ...(profilePicture === undefined ? {} : { profilePicture }),
    permissions: isShort ? permissions.slice(0, -1) : [...permissions],
    ...(tokenHours === null ? {} : { tokenExpiresAt: formatInstant(atMs + tokenHours * HOUR_MS) }),
    accountType,
  }
}

function errorOf(random: Random, { code, message, answer }: Failure, atMs: number): ConnectionError {
  if (answer === undefined) return { code, message }
  const rawResponse = JSON.stringify(answer)
    .replace('<trace>', () => `A${random.hex(20)}`)
    .replace('<when>', () => formatInstant(atMs - random.whole(1, 72) * HOUR_MS))
  return { code, message, rawResponse }
}

function durationOf(random: Random, { eventType, failure }: Happening): number {
  if (failure?.medianMs !== undefined) return Math.round(random.logNormal(failure.medianMs, 0.02))
  if (failure) return Math.round(random.logNormal(850, 0.6))
  if (eventType === 'disconnect') return Math.round(random.logNormal(240, 0.4))
  return Math.round(random.logNormal(eventType === 'connect_success' ? 2_600 : 1_700, 0.45))
}

function metadataOf(random: Random, { eventType, failure }: Happening): JsonObject | undefined {
  const request = random.chance(0.4)
    ? { requestId: `req_${random.hex(16)}`, appVersion: random.pick(APP_VERSIONS) }
    : undefined
  if (eventType === 'disconnect') return { ...request, reason: random.pick(DISCONNECT_REASONS) }
  return request && failure?.httpStatus !== undefined
    ? { ...request, httpStatus: failure.httpStatus }
    : request
}
