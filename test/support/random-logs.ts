import fc from 'fast-check'
import {
  CONNECTION_METHODS,
  EVENT_TYPES,
  type ConnectionEventType,
  type ConnectionLog,
  type ConnectionStatus,
  PLATFORMS,
  STATUSES,
} from '../../src/connections/event.ts'
import type { ConnectionFilterInput } from '../../src/connections/filter.ts'
import { DAY_MS, HOUR_MS } from '../../src/kernel/clock.ts'
import { foldedByCharacter } from './case-folding.ts'

/** Few values of each kind, so that random filters meet random logs often. */
const USERS = ['u1', 'u2', 'u3']
const PROFILES = ['p1', 'p2']
const ACCOUNTS = ['a1', 'a2', 'a3', 'Ä%_\\']
const CODES = ['oauth_denied', 'token_exchange_failed', 'OAuth_Denied', '190']
const TEXTS = [
  'The user denied access',
  'Token EXPIRED on 2026-11-01; please reconnect',
  "it's 100 %_ \\ broken",
  'Straße İstanbul ΑΣ',
  'STRASSE istanbul ας Οδυσσεύς',
  'ŞIRIN Şırın ᾴδω ΑΪ́ΔΩ',
  'Ꮳꮳ 𐐀𐐨 ﬃx ẞ ǆ ŉ',
  '한글 葛\u{E0100}城 ❤\uFE0F Q\u0323\u0307',
  '接続に失敗しました 429',
  'ﬁne ＴＯＫＥＮ é e\u0301',
  '🙂 👩‍👩‍👧 ok',
  '',
]
const SEARCHES = [
  'denied',
  'TOK',
  'token exp',
  'user d',
  'istanbul',
  'straße',
  'STRASS',
  'strasse',
  'İSTAN',
  'ıstan',
  'Ας',
  'ΟΔΥΣ',
  'οδυσσεύς',
  'ŞIR',
  'şir',
  'ΆΙ',
  'ꮳᏣ',
  '𐐨𐐀',
  'FFI',
  'ß',
  'Ǆ',
  'ʼN',
  '하',
  '葛城',
  'q\u0307',
  'e',
  '接続',
  '429',
  'nothing',
  'fin',
  'oauth',
  'é',
  'the t',
  '1',
]

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 3 })
const someOf = <T>(values: readonly T[]) =>
  fc.subarray([...values], { minLength: 1, maxLength: Math.min(3, values.length) })
/** A filter has few parts at a time, or nothing would pass it. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

/** Instants around `nowMs` that meet: edges of the retention and of days, and a few milliseconds many logs share. */
export function instants(nowMs: number): fc.Arbitrary<number> {
  return fc.oneof(
    fc.integer({ min: nowMs - 7 * DAY_MS + 1, max: nowMs }),
    fc.constantFrom(
      nowMs,
      nowMs - 1,
      nowMs - DAY_MS,
      nowMs - DAY_MS + 1,
      nowMs - 7 * DAY_MS + 1,
      nowMs - HOUR_MS,
    ),
  )
}

/** What a producer sends, with `createdAt` inside the window at `nowMs`. */
export function recordInputs(nowMs: number): fc.Arbitrary<object> {
  return fc.record({
    userId: maybe(fc.constantFrom(...USERS)),
    profileId: maybe(fc.constantFrom(...PROFILES)),
    accountId: maybe(fc.constantFrom(...ACCOUNTS)),
    platform: fc.constantFrom(...PLATFORMS.slice(0, 4)),
    eventType: fc.constantFrom(...EVENT_TYPES),
    connectionMethod: fc.constantFrom(...CONNECTION_METHODS),
    success: maybe(
      fc.record({ username: fc.constantFrom(...TEXTS), displayName: fc.constantFrom(...TEXTS) }),
    ),
    error: maybe(
      fc.record(
        { code: fc.constantFrom(...CODES), message: fc.constantFrom(...TEXTS) },
        { requiredKeys: [] },
      ),
    ),
    durationMs: maybe(fc.nat()),
    metadata: maybe(fc.constant({ attempt: 1, nested: { list: [null, true, 'x'] } })),
    createdAt: instants(nowMs).map((ms) => new Date(ms).toISOString()),
  })
}

export function filters(nowMs: number): fc.Arbitrary<ConnectionFilterInput> {
  return fc.record({
    platform: seldom(someOf(PLATFORMS.slice(0, 4))),
    eventType: seldom(fc.subarray([...EVENT_TYPES])),
    status: seldom(fc.constantFrom(...STATUSES)),
    connectionMethod: seldom(someOf(CONNECTION_METHODS)),
    profileId: seldom(someOf(PROFILES)),
    accountId: seldom(someOf([...ACCOUNTS, 'nobody'])),
    errorCode: seldom(someOf(CODES)),
    createdAfter: seldom(instants(nowMs)),
    createdBefore: seldom(instants(nowMs)),
    search: seldom(fc.constantFrom(...SEARCHES)),
  })
}

export const userFilters = seldom(fc.subarray([...USERS, 'nobody']))

const TYPES: Record<ConnectionStatus, readonly ConnectionEventType[]> = {
  success: ['connect_success', 'reconnect_success'],
  failed: ['connect_failed', 'reconnect_failed'],
}

/** Marks at the beginning of a word do not count. */
const words = (text: string) =>
  foldedByCharacter(text)
    .split(/[^\p{L}\p{N}\p{M}]+/u)
    .map((word) => word.replace(/^\p{M}+/u, ''))

/** What a filter means, written down a second time as plainly as can be. */
export function naiveMatch(filter: ConnectionFilterInput, log: ConnectionLog): boolean {
  const searched = [
    log.error?.code,
    log.error?.message,
    log.success?.username,
    log.success?.displayName,
  ].flatMap((text) => words(text ?? ''))
  return (
    (!filter.platform || filter.platform.includes(log.platform)) &&
    (!filter.eventType || filter.eventType.includes(log.eventType)) &&
    (!filter.status || TYPES[filter.status].includes(log.eventType)) &&
    (!filter.connectionMethod || filter.connectionMethod.includes(log.connectionMethod)) &&
    (!filter.profileId || filter.profileId.includes(log.profileId ?? '')) &&
    (!filter.accountId || filter.accountId.includes(log.accountId ?? '')) &&
    (!filter.errorCode || filter.errorCode.includes(log.error?.code ?? '')) &&
    (!filter.userId || filter.userId.includes(log.userId ?? '')) &&
    (typeof filter.createdAfter !== 'number' || log.createdAt >= filter.createdAfter) &&
    (typeof filter.createdBefore !== 'number' || log.createdAt < filter.createdBefore) &&
    (!filter.search ||
      words(filter.search).every((prefix) => searched.some((word) => word.startsWith(prefix))))
  )
}
