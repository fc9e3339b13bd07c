import { actingFor } from '../../src/auth/principal.ts'
import type { ConnectionEventType } from '../../src/connections/event.ts'
import { exportFormats } from '../../src/connections/export-format.ts'
import { createRandom } from '../../src/demo/random.ts'
import { HOUR_MS } from '../../src/kernel/clock.ts'
import { formatInstant } from '../../src/kernel/instant.ts'
import type { TestApp } from './app.ts'

/** Tenants. The name of each stands in every text that is told of it, and its platform in every log: its canaries. */
export const TENANTS = [
  { name: 'kestrel', platform: 'instagram' },
  { name: 'osprey', platform: 'tiktok' },
  { name: 'merlin', platform: 'reddit' },
] as const
export type Tenant = (typeof TENANTS)[number]

export const userOf = ({ name }: Tenant) => `${name}-user`

/** A random operation of somebody who may see some tenants and no others. */
export interface TenantOperation {
  /** What it is, in a word. */
  readonly kind: string
  readonly sees: readonly Tenant[]
  /** Whether it stores logs. */
  readonly writes: boolean
  /** Another's ids that it sends: an answer may repeat them. */
  readonly sent: readonly string[]
  /** The whole answer as text, what is in its cursors with it. */
  run(): Promise<string>
}

const EVENT_TYPES: readonly ConnectionEventType[] = ['connect_success', 'connect_failed', 'disconnect']
const PATH = '/api/v1/connections/logs'
const LINES = 'application/x-ndjson'

const LOG = `id userId profileId accountId platform eventType success { displayName username permissions } error { code message rawResponse } metadata createdAt`
const PAGE =
  'query ($filter: ConnectionLogFilter, $limit: Int, $skip: Int) { connectionLogs(filter: $filter, limit: $limit, skip: $skip)'
const PAGES = [
  `${PAGE} { logs { ${LOG} } pagination { total pages } } }`,
  `${PAGE} { logs { id error { message } metadata } pagination { total } } }`,
  `${PAGE} { logs { profileId accountId success { displayName } platform } pagination { total } } }`,
]
/** A second root field keeps the database from writing the answer. */
const EXECUTED = PAGES.map((page) => `${page.slice(0, -1)} viewer { userId } }`)
const BY_CURSOR = ['totalCount', 'pageInfo { endCursor }'].map(
  (more) =>
    `query ($filter: ConnectionLogFilter, $first: Int, $after: String) { connectionLogsByCursor(filter: $filter, first: $first, after: $after) { edges { cursor node { id accountId error { message } } } ${more} } }`,
)
const BY_ID = [
  `query ($id: ID!) { connectionLog(id: $id) { ${LOG} } }`,
  'query ($id: ID!) { node(id: $id) { id ... on ConnectionLog { platform error { message } } } }',
]
const STATS = [
  'byPlatform { platform total }',
  'errorCodes { code total }',
  'durationMs { count }',
  'series { total }',
].map((what) => `query ($filter: ConnectionLogFilter) { connectionStats(filter: $filter) { total ${what} } }`)
const RECORD = `mutation ($input: RecordConnectionLogInput!) { recordConnectionLog(input: $input) { created log { ${LOG} } } }`

/** Makes operations that are random, the n-th the same for the same seed but for the ids and cursors it finds at hand. */
export async function createTenantOperations(app: TestApp, { nowMs, seed }: { nowMs: number; seed: number }) {
  const keys = new Map<Tenant | 'service', string>()
  for (const tenant of TENANTS) keys.set(tenant, await app.key(userOf(tenant)))
  keys.set('service', await app.key(null))
  /** What was seen of each: ids of logs and cursors. */
  const ids = new Map<Tenant, string[]>(TENANTS.map((tenant) => [tenant, []]))
  const cursors = new Map<Tenant, string[]>(TENANTS.map((tenant) => [tenant, []]))
  /** How many logs were sent for each, stored or not yet. */
  const attempted = new Map<Tenant, number>(TENANTS.map((tenant) => [tenant, 0]))

  const keep = (list: string[] | undefined, values: readonly (string | undefined)[]) => {
    for (const value of values) if (value !== undefined) list?.push(value)
    list?.splice(0, Math.max(0, list.length - 50))
  }

  function make(index: number): TenantOperation {
    const random = createRandom(seed * 1_000_003 + index)
    const own = random.pick(TENANTS)
    const other = random.pick(TENANTS)
    const isService = random.chance(0.12)
    const isFiltered = isService && random.chance(0.8)
    const key = keys.get(isService ? 'service' : own) ?? ''
    const sees = isService && !isFiltered ? TENANTS : [own]

    /** Parts of filters: one's own as often as another's. */
    const whose = random.chance(0.7) ? own : other
    const filter = {
      ...(isFiltered ? { userId: [userOf(own)] } : {}),
      ...random.pick([
        {},
        {},
        { platform: [whose.platform.toUpperCase()] },
        { accountId: [`${whose.name}-account`, `${own.name}-account`] },
        { profileId: [`${whose.name}-profile`] },
        { errorCode: [`${whose.name}-1`, `${own.name}-2`] },
        { search: whose.name },
        { search: `${whose.name} failed` },
        { eventType: ['CONNECT_FAILED'], connectionMethod: ['OAUTH'] },
        { createdAfter: formatInstant(nowMs - random.whole(1, 100) * HOUR_MS) },
      ]),
    }
    const paging = { limit: random.whole(1, 3), skip: random.pick([0, 0, 1, random.whole(0, 60), 100_000]) }

    function event(): Record<string, unknown> {
      attempted.set(own, (attempted.get(own) ?? 0) + 1)
      const { name, platform } = own
      const eventType = random.pick(EVENT_TYPES)
      const names = random.pick(TENANTS)
      return {
        ...(isService ? { userId: userOf(own) } : {}),
        ...(random.chance(0.5) ? { eventId: `${names.name}-event-${random.whole(1, 400)}` } : {}),
        profileId: `${name}-profile`,
        accountId: `${name}-account`,
        platform,
        eventType,
        connectionMethod: random.pick(['oauth', 'credentials']),
        ...(eventType === 'connect_success'
          ? { success: { displayName: `${name} of ${index}`, username: name, permissions: [name] } }
          : {}),
        ...(eventType === 'connect_failed'
          ? {
              error: {
                code: `${name}-${random.whole(1, 3)}`,
                message: `${name} failed`,
                rawResponse: `{"who":"${name}"}`,
              },
            }
          : {}),
        durationMs: random.whole(1, 10_000),
        metadata: { note: name, deep: [{ [name]: name }] },
        createdAt: formatInstant(nowMs - random.whole(0, 150) * HOUR_MS),
      }
    }

    const post = async (path: string, type: string, body: string, accept = 'application/json') =>
      (await app.send(key, path, { method: 'POST', headers: { 'content-type': type, accept }, body })).text()
    const gql = (query: string, variables: object) =>
      post('/graphql', 'application/json', JSON.stringify({ query, variables }))
    const text = async (response: Promise<Response>) => (await response).text()
    /** Events' ids name any tenant; who sends one of another's may be told of it again. */
    const eventIds = (events: readonly Record<string, unknown>[]) =>
      events.flatMap(({ eventId }) => (typeof eventId === 'string' ? [eventId] : []))

    const read = (
      kind: string,
      run: () => Promise<string>,
      sent: readonly string[] = [],
    ): TenantOperation => ({
      kind,
      sees,
      writes: false,
      sent,
      run,
    })
    const write = (
      kind: string,
      count: number,
      run: (events: Record<string, unknown>[]) => Promise<string>,
    ): TenantOperation => {
      const events = Array.from({ length: count }, event)
      return { kind, sees, writes: true, sent: eventIds(events), run: () => run(events) }
    }

    const kinds: (readonly [weight: number, make: () => TenantOperation])[] = [
      [44, () => read('page as text', () => gql(random.pick(PAGES), { filter, ...paging }))],
      [8, () => read('page', () => gql(random.pick(EXECUTED), { filter, ...paging }))],
      [
        12,
        () => {
          const places = cursors.get(random.chance(0.7) ? own : other) ?? []
          const place = places.length === 0 ? undefined : random.pick(places)
          return read(
            'by cursor',
            async () => {
              const after = random.chance(0.6) ? place : undefined
              const answer = await gql(random.pick(BY_CURSOR), { filter, first: paging.limit, after })
              const found = [...answer.matchAll(/"cursor":"([^"]+)"/g)].map(([, cursor]) => cursor)
              if (!isService) keep(cursors.get(own), found)
              return answer
            },
            place === undefined ? [] : [place],
          )
        },
      ],
      [
        12,
        () => {
          const id = random.pick([...(ids.get(random.chance(0.5) ? own : other) ?? []), `${other.name}-none`])
          // A service key reaches every log by its id.
          const asked = read('by id', () => gql(random.pick(BY_ID), { id }), [id])
          return isService ? { ...asked, sees: TENANTS } : asked
        },
      ],
      [6, () => read('statistics', () => gql(random.pick(STATS), { filter }))],
      [
        8,
        () => {
          const asked = `${PATH}?limit=${paging.limit}&skip=${paging.skip}&platform=${whose.platform}`
          return { ...read('REST', () => text(app.send(key, asked))), sees: isService ? TENANTS : [own] }
        },
      ],
      [
        1,
        () =>
          read('CSV', async () => {
            const reach = isService ? null : userOf(own)
            const logs = app
              .connectionLogsOf(actingFor(reach))
              .everything(isFiltered ? { userId: [userOf(own)] } : {})
            const next = await logs.next()
            await logs.return()
            const value = next.value ?? []
            const text =
              exportFormats.csv.write(value.slice(0, 20)) + exportFormats.ndjson.write(value.slice(-20))
            // Ids of events are a producer's own, whatever they are called.
            return text.replaceAll(/\w+-event-\d+/g, '')
          }),
      ],
      [
        5,
        () =>
          read(
            'refused',
            random.pick([
              () => gql(PAGES[0] ?? '', { filter: { userId: isService ? [''] : [userOf(other)] } }),
              () => gql(BY_CURSOR[0] ?? '', { first: 1, after: `${other.name}.none` }),
              () => gql(PAGES[0] ?? '', { filter: { accountId: [other.name.repeat(30)] } }),
              () => text(app.send(key, `${PATH}?skip=${other.name}`)),
              () =>
                post(
                  PATH,
                  'application/json',
                  JSON.stringify({ platform: own.platform, eventType: other.name }),
                ),
            ]),
            [other.name],
          ),
      ],
      [
        5,
        () =>
          write('record', 1, async ([{ platform, eventType, connectionMethod, ...event } = {}]) => {
            const upper = { platform, eventType, connectionMethod }
            const enums = Object.entries(upper).map(([name, value]) => [name, String(value).toUpperCase()])
            const answer = await gql(RECORD, { input: { ...event, ...Object.fromEntries(enums) } })
            keep(ids.get(own), [/"id":"([^"]+)"/.exec(answer)?.[1]])
            return answer
          }),
      ],
      [1.5, () => write('REST list', 2, (events) => post(PATH, 'application/json', JSON.stringify(events)))],
      [
        1.5,
        () =>
          write('lines', 2, (events) =>
            post(PATH, LINES, events.map((one) => JSON.stringify(one)).join('\n'), LINES),
          ),
      ],
    ]
    return random.weighted(kinds.map(([weight, make]) => ({ weight, make }))).make()
  }

  return { make, attempted }
}

/** What stands in an answer that is another's: its name, its platform, in clear or within a cursor; or too many logs. */
export function leaksIn(
  answer: string,
  { sees, sent }: Pick<TenantOperation, 'sees' | 'sent'>,
  attempted: ReadonlyMap<Tenant, number>,
): string[] {
  const cursors = answer.includes('ursor"') ? answer.matchAll(/"([\w-]{60,})"/g) : []
  const places = [...cursors].map(([, place = '']) => Buffer.from(place, 'base64url').toString())
  const repeated = sent.reduce((text, one) => text.replaceAll(one, ''), `${answer} ${places.join(' ')}`)
  const text = repeated.toLowerCase()
  const strangers = TENANTS.filter((tenant) => !sees.includes(tenant))
  const marks = strangers
    .flatMap(({ name, platform }) => [name, platform])
    .filter((mark) => text.includes(mark))
  const most = sees.reduce((sum, tenant) => sum + (attempted.get(tenant) ?? 0), 0)
  const totals = [...answer.matchAll(/"total(?:Count)?":(\d+)/g)].map(([, total]) => Number(total))
  const tooMany = totals.filter((total) => total > most).map((total) => `${total} logs of at most ${most}`)
  return [...marks, ...tooMany]
}
