import { describe, expect, it } from 'vitest'
import { EVENT_TYPES } from '../../src/connections/event.ts'
import { PLATFORMS } from '../../src/connections/event.ts'
import { createRecordParser, createdAtOf } from '../../src/connections/input.ts'
import { redactRawResponse, redactText } from '../../src/connections/redact.ts'
import { DEMO_USER_ID, demoEvents, type DemoEvent } from '../../src/demo/events.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/kernel/clock.ts'

/** A Wednesday afternoon, and a Sunday night at an odd millisecond. */
const AFTERNOON = Date.UTC(2025, 10, 12, 15, 7)
const NIGHT = Date.UTC(2025, 10, 9, 3, 30, 0, 5)
const OPTIONS = { nowMs: AFTERNOON, days: 6.9, count: 4_000, seed: 1 }

const at = ({ createdAt }: DemoEvent) => Date.parse(createdAt)
const isFailed = ({ eventType }: DemoEvent) => eventType.endsWith('_failed')
const distinct = (values: string[]) => [...new Set(values)].sort()

describe('demo events', () => {
  it('are the same for the same options and others for another seed', () => {
    expect(demoEvents(OPTIONS)).toEqual(demoEvents(OPTIONS))
    expect(demoEvents({ ...OPTIONS, seed: 2 })).not.toEqual(demoEvents(OPTIONS))
  })

  it.each([0, 1, 40, 4_000])('are as many as asked for: %i', (count) => {
    expect(demoEvents({ ...OPTIONS, count })).toHaveLength(count)
  })
})

describe.each([
  ['a working day', OPTIONS],
  ['a Sunday night', { ...OPTIONS, nowMs: NIGHT, seed: 20_240_501 }],
])('demo events before %s', (_, options) => {
  const { nowMs, days } = options
  const events = demoEvents(options)

  it('are accepted, each at the instant it names', () => {
    const window = { nowMs, retentionMs: 7 * DAY_MS }
    const parse = createRecordParser(PLATFORMS)
    const instants = events.map((event, index) => createdAtOf(parse(event, '', index), '', window, index))
    expect(instants).toEqual(events.map(at))
  })

  it('lie inside the window, oldest first', () => {
    const instants = events.map(at)
    expect(instants).toEqual(instants.toSorted((a, b) => a - b))
    expect(instants.filter((ms) => ms < nowMs - days * DAY_MS || ms >= nowMs)).toEqual([])
  })

  it('carry an eventId only once, where they carry one', () => {
    const eventIds = events.flatMap(({ eventId }) => eventId ?? [])
    expect(new Set(eventIds).size).toBe(eventIds.length)
    expect(eventIds.length / events.length).toBeGreaterThan(0.85)
  })

  it('come from thirteen platforms, the well-known ones most', () => {
    const share = (platform: string) => events.filter((event) => event.platform === platform).length / 4_000
    expect(distinct(events.map(({ platform }) => platform))).toEqual([
      'bluesky',
      'facebook',
      'googlebusiness',
      'instagram',
      'linkedin',
      'pinterest',
      'reddit',
      'snapchat',
      'telegram',
      'threads',
      'tiktok',
      'twitter',
      'youtube',
    ])
    expect(share('instagram')).toBeGreaterThan(0.13)
    expect(share('snapchat')).toBeLessThan(0.02)
    expect(share('telegram')).toBeLessThan(0.03)
  })

  it('are of every type, a fifth of them failures', () => {
    expect(distinct(events.map(({ eventType }) => eventType))).toEqual([...EVENT_TYPES].sort())
    const share = events.filter(isFailed).length / events.length
    expect(share).toBeGreaterThan(0.1)
    expect(share).toBeLessThan(0.35)
  })

  it('belong to the demo user by two thirds, and to a dozen others', () => {
    const share = events.filter(({ userId }) => userId === DEMO_USER_ID).length / events.length
    expect(share).toBeGreaterThan(0.6)
    expect(share).toBeLessThan(0.73)
    expect(distinct(events.flatMap(({ userId }) => userId ?? []))).toHaveLength(13)
  })

  it('have no user where OAuth failed early, and then neither profile nor account', () => {
    const early = events.filter(({ userId }) => userId === null)
    expect(early.length).toBeGreaterThan(20)
    expect(distinct(early.map(({ eventType }) => eventType))).toEqual(['connect_failed'])
    expect(early.filter(({ profileId, accountId }) => profileId ?? accountId)).toEqual([])
  })

  it('say what a log of their type says, and nothing else', () => {
    const shape = ({ success, error, accountId, context }: DemoEvent) =>
      [success && 'success', error && 'error', accountId && 'account', context.isReconnection && 'again']
        .filter((part) => part)
        .join(' ')
    expect(distinct(events.map((event) => `${event.eventType}: ${shape(event)}`))).toEqual([
      'connect_failed: error',
      'connect_success: success account',
      'disconnect: account',
      'reconnect_failed: error account again',
      'reconnect_success: success account again',
    ])
  })

  it('keep an account with one user, profile, platform and name', () => {
    const names = new Map<string, Set<string>>()
    for (const { accountId, userId, profileId, platform, success } of events) {
      if (accountId === undefined || success === undefined) continue
      const name = JSON.stringify([userId, profileId, platform, success.username, success.displayName])
      names.set(accountId, (names.get(accountId) ?? new Set()).add(name))
    }
    expect([...names.values()].filter(({ size }) => size !== 1)).toEqual([])
    expect(names.size).toBeGreaterThan(500)
  })

  it('never reconnect or disconnect an account before its first connection', () => {
    const first = new Map<string, string>()
    const late: DemoEvent[] = []
    for (const event of events) {
      if (event.accountId === undefined) continue
      if (event.eventType === 'connect_success' && first.has(event.accountId)) late.push(event)
      first.set(event.accountId, first.get(event.accountId) ?? event.eventType)
    }
    expect(late).toEqual([])
  })

  it('tell of tokens that expire later and pictures on an example domain', () => {
    const wrong = events.filter(
      (event) =>
        (event.success?.tokenExpiresAt ?? '9') <= event.createdAt ||
        !(event.success?.profilePicture ?? 'https://cdn.example.com/').startsWith('https://cdn.example.com/'),
    )
    expect(wrong).toEqual([])
  })

  it('quote the platforms as JSON, with every place filled and nothing to redact', () => {
    const raw = events.flatMap(({ error }) => error?.rawResponse ?? [])
    const messages = events.flatMap(({ error }) => error?.message ?? [])
    expect(raw.map((text) => JSON.stringify(JSON.parse(text)))).toEqual(raw)
    expect(raw.filter((text) => /<\w+>/.test(text))).toEqual([])
    expect(raw.map(redactRawResponse)).toEqual(raw)
    expect(messages.map(redactText)).toEqual(messages)
    expect(messages).toHaveLength(events.filter(isFailed).length)
  })

  it.each(['facebook', 'linkedin', 'tiktok'])('have 40 minutes of trouble on %s', (platform) => {
    const failures = events.filter((event) => event.platform === platform && isFailed(event)).map(at)
    const windowMs = 40 * MINUTE_MS
    const inWindow = failures.map((start) => failures.filter((ms) => ms >= start && ms < start + windowMs))
    const most = Math.max(...inWindow.map(({ length }) => length))
    const usual = ((failures.length - most) * windowMs) / (days * DAY_MS - windowMs)
    expect(most / usual).toBeGreaterThan(8)
  })

  it('reach into the last hour and the last minutes', () => {
    expect(events.filter((event) => at(event) > nowMs - HOUR_MS).length).toBeGreaterThan(20)
    expect(events.filter((event) => at(event) > nowMs - 5 * MINUTE_MS).length).toBeGreaterThan(3)
    expect(nowMs - Math.max(...events.map(at))).toBeLessThan(MINUTE_MS)
  })
})

describe('demo events of some days', () => {
  it('are more in working hours and on working days', () => {
    const hours = demoEvents(OPTIONS).map((event) => Math.floor((at(event) % DAY_MS) / HOUR_MS))
    const between = (from: number, until: number) =>
      hours.filter((hour) => hour >= from && hour < until).length
    expect(between(9, 17) / between(0, 8)).toBeGreaterThan(3)
    const days = demoEvents(OPTIONS).map(({ createdAt }) => createdAt.slice(0, 10))
    const on = (date: string) => days.filter((day) => day === date).length
    expect(on('2025-11-10') / on('2025-11-09')).toBeGreaterThan(1.4)
  })
})
