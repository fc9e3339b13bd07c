import { configure } from 'safe-stable-stringify'
import { formatInstant } from '../../src/kernel/instant.ts'
import { HOUR_MS } from '../../src/kernel/clock.ts'
import { createSchema } from '../../src/schema.ts'
import type { TestApp } from './app.ts'
import { telling } from './canary.ts'
import { type Operation, type Place, given, operationsOf } from './operations.ts'

/** The one who asks, the one asked about, and one who never was: words of one length. */
export const [OWN, FOREIGN, NEVER] = ['alpha', 'bravo', 'never'] as const
export const userOf = (word: string) => `${word}-user`

const LOGS = 24

/** What stands at a place: which of another's ids may be tried there. `none` names nothing that is stored. */
const KINDS = [
  'log id',
  'event id',
  'user',
  'profile',
  'account',
  'error code',
  'key id',
  'cursor',
  'text',
  'object',
  'none',
] as const
type Kind = (typeof KINDS)[number]

/** Every place of the schema where text, an id or an object may be given. A new one needs its line here. */
export const PLACES: Readonly<Record<string, Kind>> = {
  'Query.connectionLog(id:)': 'log id',
  'Query.node(id:)': 'log id',
  'Query.connectionLogsByCursor(after:)': 'cursor',
  'Query.connectionLogsByCursor(before:)': 'cursor',
  'Query.connectionStats(timeZone:)': 'none',
  // Subscriptions do not end, and are no part of the sweep: api/feed.test.ts has their cursors.
  'Subscription.connectionLogRecorded(after:)': 'cursor',
  'Mutation.eraseConnectionLogs(userId:)': 'user',
  'Mutation.eraseConnectionLogs(accountId:)': 'account',
  'ConnectionLogFilter.userId': 'user',
  'ConnectionLogFilter.profileId': 'profile',
  'ConnectionLogFilter.accountId': 'account',
  'ConnectionLogFilter.errorCode': 'error code',
  'ConnectionLogFilter.search': 'text',
  'Mutation.rotateApiKey(id:)': 'key id',
  'Mutation.revokeApiKey(id:)': 'key id',
  'ApiKeyFilter.userId': 'user',
  'AuditLogFilter.userId': 'user',
  'AuditLogFilter.keyId': 'key id',
  'AuditLogFilter.actorKeyId': 'key id',
  'CreateApiKeyInput.userId': 'user',
  'CreateApiKeyInput.name': 'none',
  'RecordConnectionLogInput.eventId': 'event id',
  'RecordConnectionLogInput.userId': 'user',
  'RecordConnectionLogInput.profileId': 'profile',
  'RecordConnectionLogInput.accountId': 'account',
  'RecordConnectionLogInput.metadata': 'object',
  'ConnectionSuccessInput.displayName': 'text',
  'ConnectionSuccessInput.username': 'text',
  'ConnectionSuccessInput.profilePicture': 'text',
  'ConnectionSuccessInput.permissions': 'text',
  'ConnectionSuccessInput.accountType': 'text',
  'ConnectionErrorInput.code': 'error code',
  'ConnectionErrorInput.message': 'text',
  'ConnectionErrorInput.rawResponse': 'text',
  'ConnectionContextInput.invitationToken': 'text',
  'ConnectionContextInput.connectToken': 'text',
}

/** What REST takes for a log beyond what GraphQL takes. */
export const REST_FIELDS: Readonly<Record<string, Kind>> = {
  _id: 'log id',
  eventId: 'event id',
  userId: 'user',
  profileId: 'profile',
  accountId: 'account',
}

export const operations: readonly Operation[] = operationsOf(createSchema())

/** Something of another tenant's, and the same of nobody's, of the same length. */
interface Pair {
  readonly foreign: unknown
  readonly never: unknown
}

export interface Ground {
  readonly app: TestApp
  readonly key: string
  readonly pairs: Readonly<Record<Kind, readonly Pair[]>>
}

/** Logs of two tenants, of whom one asks. */
export async function populate(app: TestApp, nowMs: number): Promise<Ground> {
  for (const word of [OWN, FOREIGN]) {
    const sent = Array.from({ length: LOGS }, (_, index) => ({
      value: { ...telling(word, index), createdAt: formatInstant(nowMs - index * HOUR_MS) },
      at: '',
    }))
    await app.connectionLogs.record(sent)
  }
  const strangers = await app.connectionLogs.page({ userId: [userOf(FOREIGN)] }, { limit: 100 })
  const minted = strangers.logs.map(({ id }) => id).filter((id) => id.length === 36)
  const words = (...texts: string[]): Pair[] =>
    texts.map((text) => ({
      foreign: text.replaceAll('*', FOREIGN),
      never: text.replaceAll('*', NEVER),
    }))
  const ids = [
    ...words('*-id-0', '*-id-7'),
    ...minted.slice(0, 2).map((id) => ({ foreign: id, never: altered(id) })),
  ]
  return {
    app,
    key: await app.key(userOf(OWN)),
    pairs: {
      'log id': ids,
      'event id': [...words('*-event-0', '*-event-3'), ...ids],
      user: words(userOf('*')),
      profile: words('*-profile'),
      account: words('*-account'),
      'error code': words('*-1', '*-2'),
      'key id': await keyPairs(app),
      cursor: await cursorPairs(app),
      text: words('*', '*1', '* failed'),
      object: [{ foreign: { note: FOREIGN }, never: { note: NEVER } }],
      none: [],
    },
  }
}

/** Keys of another tenant and of a service. */
async function keyPairs(app: TestApp): Promise<Pair[]> {
  for (const user of [userOf(FOREIGN), null]) await app.key(user)
  const others = (await app.keys.list()).filter(({ userId }) => userId !== userOf(OWN))
  return others.map(({ id }) => ({ foreign: id, never: altered(id) }))
}

/** Cursors of another tenant and of a service, and what is none. */
async function cursorPairs(app: TestApp): Promise<Pair[]> {
  const cursorOf = async (key: string) => {
    const { data } = await app.gql(
      key,
      '{ connectionLogsByCursor(first: 3) { edges { cursor } pageInfo { endCursor } } }',
    )
    return data.connectionLogsByCursor.pageInfo.endCursor as string
  }
  const foreign = await cursorOf(await app.key(userOf(FOREIGN)))
  const own = await cursorOf(await app.key(userOf(OWN)))
  const everyones = await cursorOf(await app.key(null))
  const mixed = foreign.slice(0, 50) + own.slice(50)
  const half = foreign.slice(0, 50)
  return [
    ...[foreign, everyones].map((cursor) => ({ foreign: cursor, never: altered(cursor) })),
    // The beginning of another's, with the end of one's own.
    { foreign: mixed, never: altered(mixed) },
    { foreign: half, never: altered(half) },
  ]
}

/** The same with other letters near its end. */
const altered = (text: string) =>
  `${text.slice(0, -6)}${text.slice(-6, -1).replaceAll(/[0-9a-z]/gi, (letter) => (letter === '3' ? '4' : '3'))}${text.slice(-1)}`

/** One request with another's id, and the same with an id that never was. */
interface Try {
  readonly at: string
  readonly pair: Pair
  readonly send: (value: unknown) => Promise<Response>
}

function tries({ app, key, pairs }: Ground): Try[] {
  const ofPlace = (operation: Operation, place: Place): Try[] =>
    (pairs[PLACES[place.coordinate] ?? 'none'] ?? []).map((pair) => ({
      at: `${operation.name} ${place.coordinate}`,
      pair,
      send: (value) =>
        post('/graphql', 'application/json', {
          query: operation.document,
          variables: given(operation, place, value),
        }),
    }))
  const post = (path: string, type: string, body: unknown, accept = '*/*') =>
    app.send(key, path, {
      method: 'POST',
      headers: { 'content-type': type, accept },
      body: JSON.stringify(body),
    })
  const PATH = '/api/v1/connections/logs'
  const NDJSON = 'application/x-ndjson'
  const event = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }
  const ofRest = Object.entries(REST_FIELDS).flatMap(([field, kind]) =>
    pairs[kind].flatMap((pair): Try[] => [
      {
        at: `POST ${field}`,
        pair,
        send: (value) => post(PATH, 'application/json', [{ ...event, [field]: value }]),
      },
      { at: `POST line ${field}`, pair, send: (value) => post(PATH, NDJSON, { ...event, [field]: value }) },
      {
        at: `POST line by line ${field}`,
        pair,
        send: (value) => post(PATH, NDJSON, { ...event, [field]: value }, NDJSON),
      },
      {
        at: `GET ?${field}`,
        pair,
        send: (value) => app.send(key, `${PATH}?${field}=${encodeURIComponent(String(value))}`),
      },
      {
        at: `GET /${field}`,
        pair,
        send: (value) => app.send(key, `${PATH}/${encodeURIComponent(String(value))}`),
      },
    ]),
  )
  // The answer of a subscription does not end.
  const ending = operations.filter(({ document }) => !document.startsWith('subscription'))
  return [
    ...ending.flatMap((operation) => operation.places.flatMap((place) => ofPlace(operation, place))),
    ...ofRest,
  ]
}

/**
 * Asks everything with another's ids and with ids that never were: reads side by side, and writes one after the other,
 * since what one has stored another may meet.
 * @returns where the two answers differ, and how many pairs were tried
 */
export async function sweep(
  ground: Ground,
  isMeant = (_at: string) => true,
): Promise<{ differing: string[]; tried: number }> {
  const all = tries(ground).filter(({ at }) => isMeant(at))
  const reads = all.filter(({ at }) => /^(Query|GET)/.test(at))
  const found = (await Promise.all(reads.map(difference))).flat()
  for (const write of all) if (!reads.includes(write)) found.push(...(await difference(write)))
  return { differing: found, tried: all.length }
}

async function difference({ at, pair, send }: Try): Promise<string[]> {
  const answers = [pair.foreign, pair.never].map(async (value) => told(await send(value), value))
  const [foreign, never] = await Promise.all(answers)
  return foreign === never ? [] : [`${at}\n${foreign}\n${never}`]
}

const sorted = configure({ deterministic: true })

const MINTED = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g

/**
 * All that an answer tells, with a mark in the place of what was asked about, and of new ids. Members in their order:
 * execution writes those first that are there first.
 */
async function told(response: Response, value: unknown): Promise<string> {
  const head = [...response.headers].filter(([name]) => name !== 'x-request-id')
  const asked = typeof value === 'string' ? [value, shown(value)] : [FOREIGN, NEVER]
  const body = asked.reduce((text, part) => text.replaceAll(part, '<asked>'), await response.text())
  const lines = body.split('\n').map((line) => (line === '' ? '' : sorted(JSON.parse(line))))
  return JSON.stringify([response.status, head, lines.join('\n').replaceAll(MINTED, '<minted>')])
}

/** As much of a value as a sentence repeats. */
const shown = (value: string) => value.slice(0, 59)
