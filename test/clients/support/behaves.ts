import { beforeAll, describe, expect, it } from 'vitest'
import { PROVIDERS, type User, createUser } from './user.ts'

/** What users do with their client, each in its own way. */
export interface ClientInUse {
  /** A page of the failures on a platform. */
  failures(platform: 'INSTAGRAM' | 'TIKTOK', limit: number, skip: number): Promise<FailuresPage>
  /** All logs, newest first, by cursor pages of `first`. */
  all(first: number): Readable<{ readonly accountId?: string | null }>
  /** Records an event. @returns whether it is new */
  record(event: Event): Promise<boolean>
  /** The code of an error that was thrown or told. */
  codeOf(error: unknown): unknown
}

type Readable<T> = AsyncIterable<T> | Promise<readonly T[]>

export interface Event {
  readonly platform: 'INSTAGRAM'
  readonly eventType: 'CONNECT_FAILED'
  readonly connectionMethod: 'OAUTH'
  readonly accountId: string
  readonly eventId: string
}

const EVENT: Event = {
  platform: 'INSTAGRAM',
  eventType: 'CONNECT_FAILED',
  connectionMethod: 'OAUTH',
  accountId: 'new',
  eventId: 'event-1',
}

export interface FailuresPage {
  readonly logs: readonly {
    readonly accountId?: string | null | undefined
    readonly createdAt: string
    readonly error?: { readonly code?: string | null } | null | undefined
  }[]
  readonly pagination: { readonly total: number; readonly hasMore: boolean }
}

/** Holds a client to what all of them have to do, against a service on each database. */
export function describeClient(name: string, connect: (url: string, key: string) => ClientInUse): void {
  describe.each(PROVIDERS)(`${name}, against a service on %s`, (provider) => {
    let user: User
    let client: ClientInUse
    beforeAll(async () => {
      user = await createUser(provider)
      client = connect(user.url, user.key)
      await user.record([
        { accountId: 'a' },
        { accountId: 'b' },
        { accountId: 'gone', eventType: 'disconnect' },
        { accountId: 'elsewhere', platform: 'tiktok' },
        { accountId: 'c' },
      ])
    })

    it('reads pages of what a filter leaves, with their total', async () => {
      const { logs, pagination } = await client.failures('INSTAGRAM', 2, 0)
      expect(logs.map(({ accountId, error }) => [accountId, error?.code])).toEqual([
        ['c', 'oauth_denied'],
        ['b', 'oauth_denied'],
      ])
      expect(logs[0]?.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      expect(pagination).toMatchObject({ total: 3, hasMore: true })
      const last = await client.failures('INSTAGRAM', 2, 2)
      expect([last.logs.map(({ accountId }) => accountId), last.pagination]).toMatchObject([
        ['a'],
        { total: 3, hasMore: false },
      ])
    })

    it('reads all logs by cursor, each once', async () => {
      const accounts: unknown[] = []
      for await (const { accountId } of await client.all(2)) accounts.push(accountId)
      expect(accounts).toEqual(['c', 'elsewhere', 'gone', 'b', 'a'])
    })

    it('is told which argument is wrong', async () => {
      const error = await client.failures('INSTAGRAM', 1_000, 0).catch((thrown: unknown) => thrown)
      expect([client.codeOf(error), (error as Error).message]).toEqual([
        'BAD_USER_INPUT',
        expect.stringContaining('Expected `limit` to be a whole number from 1 to 100, got 1000.'),
      ])
    })

    it('is told that its key is not good', async () => {
      const stranger = connect(user.url, 'clk_unknown')
      const error = await stranger.failures('INSTAGRAM', 1, 0).catch((thrown: unknown) => thrown)
      expect(stranger.codeOf(error)).toBe('UNAUTHENTICATED')
    })

    it('records an event once, and reads it then', async () => {
      expect([await client.record(EVENT), await client.record(EVENT)]).toEqual([true, false])
      const { logs, pagination } = await client.failures('INSTAGRAM', 1, 0)
      expect([logs[0]?.accountId, pagination]).toMatchObject(['new', { total: 4, hasMore: true }])
    })
  })
}
