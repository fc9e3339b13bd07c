import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPERATOR } from '../../src/auth/principal.ts'
import { ALL_SCOPES, type Scope } from '../../src/auth/scopes.ts'
import { DAY_MS } from '../../src/kernel/clock.ts'
import { createSchema } from '../../src/schema.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { type TestClock, createTestClock } from '../support/clock.ts'
import { PROVIDERS } from '../support/databases.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const FIELDS =
  'id userId name scopes createdAt createdBy expiresAt revokedAt lastUsedAt rotatedFrom rotatedTo'
const CREATE = `mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { key apiKey { ${FIELDS} } } }`
const ROTATE = `mutation ($id: ID!, $overlap: Int) { rotateApiKey(id: $id, overlapSeconds: $overlap) { key apiKey { ${FIELDS} } replaced { ${FIELDS} } } }`
const REVOKE = `mutation ($id: ID!) { revokeApiKey(id: $id) { apiKey { ${FIELDS} } } }`
const LIST = `query ($filter: ApiKeyFilter, $limit: Int, $skip: Int) { apiKeys(filter: $filter, limit: $limit, skip: $skip) { apiKeys { id } pagination { total limit skip pages hasMore } } }`
const LOG = `query ($filter: AuditLogFilter) { auditLog(filter: $filter) { entries { action actor actorKeyId keyId userId details } pagination { total } } }`

const idOf = (key: string) => key.split('_')[1] ?? ''

describe.each(PROVIDERS)('keys over GraphQL on %s', (provider) => {
  let app: TestApp
  let clock: TestClock
  let operator: string
  beforeAll(async () => {
    clock = createTestClock(NOW)
    app = keep(await startTestApp(provider, { clock }))
    operator = await app.key(null)
  })
  afterAll(() => app.stop())

  /** The error as `CODE: sentence`. */
  async function refused(key: string, query: string, variables: object): Promise<string> {
    const { errors, data } = await app.gql(key, query, variables)
    expect(data ?? null).toBe(null)
    const [error] = errors ?? []
    return `${error?.extensions.code}: ${error?.message}`
  }
  const create = async (key: string, input: object) =>
    (await app.gql(key, CREATE, { input })).data.createApiKey

  it('makes a key that works at once, rotates and revokes it, and tells what was done', async () => {
    const input = { userId: 'u1', scopes: ['LOGS_READ'], name: 'phone', expiresAt: '2026-12-20T12:00:00Z' }
    const made = await create(operator, input)
    const id = idOf(made.key)
    const apiKey = {
      id,
      userId: 'u1',
      name: 'phone',
      scopes: ['LOGS_READ'],
      createdAt: '2026-11-20T12:00:00.000Z',
      createdBy: idOf(operator),
      expiresAt: '2026-12-20T12:00:00.000Z',
      revokedAt: null,
      lastUsedAt: null,
      rotatedFrom: null,
      rotatedTo: null,
    }
    expect(made.apiKey).toEqual(apiKey)
    expect((await app.gql(made.key, '{ viewer { keyId userId } }')).data.viewer).toEqual({
      keyId: id,
      userId: 'u1',
    })

    clock.advance(1_000)
    const { rotateApiKey: rotated } = (await app.gql(operator, ROTATE, { id, overlap: 60 })).data
    const newId = idOf(rotated.key)
    expect(rotated.apiKey).toEqual({
      ...apiKey,
      id: newId,
      createdAt: '2026-11-20T12:00:01.000Z',
      expiresAt: '2026-12-20T12:00:01.000Z',
      rotatedFrom: id,
    })
    expect(rotated.replaced).toEqual({ ...apiKey, expiresAt: '2026-11-20T12:01:01.000Z', rotatedTo: newId })
    for (const key of [made.key, rotated.key])
      expect((await app.gql(key, '{ viewer { userId } }')).data.viewer.userId).toBe('u1')

    clock.advance(1_000)
    const first = await app.gql(operator, REVOKE, { id: newId })
    expect(first.data.revokeApiKey.apiKey).toMatchObject({ id: newId, revokedAt: '2026-11-20T12:00:02.000Z' })
    clock.advance(1_000)
    expect(await app.gql(operator, REVOKE, { id: newId })).toEqual(first)
    expect((await app.gql(rotated.key, '{ viewer { userId } }')).errors?.[0]?.extensions.code).toBe(
      'UNAUTHENTICATED',
    )

    const { auditLog } = (await app.gql(operator, LOG, { filter: { keyId: [id, newId] } })).data
    const by = { actor: 'KEY', actorKeyId: idOf(operator), userId: 'u1' }
    const details = { name: 'phone', scopes: ['logs:read'] }
    expect(auditLog).toEqual({
      entries: [
        { action: 'KEY_REVOKED', ...by, keyId: newId, details: {} },
        {
          action: 'KEY_ROTATED',
          ...by,
          keyId: id,
          details: { rotatedTo: newId, expiresAt: '2026-11-20T12:01:01.000Z' },
        },
        {
          action: 'KEY_CREATED',
          ...by,
          keyId: newId,
          details: { ...details, expiresAt: '2026-12-20T12:00:01.000Z', rotatedFrom: id },
        },
        {
          action: 'KEY_CREATED',
          ...by,
          keyId: id,
          details: { ...details, expiresAt: '2026-12-20T12:00:00.000Z' },
        },
      ],
      pagination: { total: 4 },
    })
  })

  it('pages, newest first, and by user and by what is good', async () => {
    const begun = clock.now()
    const ids: string[] = []
    for (let index = 0; index < 5; index += 1) {
      const expiresAt = index === 1 ? new Date(begun + 10_000).toISOString() : undefined
      ids.unshift((await create(operator, { userId: 'paged', expiresAt })).apiKey.id)
      clock.advance(1)
    }
    await app.gql(operator, REVOKE, { id: ids[0] })
    clock.set(begun + 10_000)
    const list = async (variables: object) => (await app.gql(operator, LIST, variables)).data.apiKeys
    const own = { userId: ['paged'] }
    expect(await list({ filter: own, limit: 2, skip: 2 })).toEqual({
      apiKeys: ids.slice(2, 4).map((id) => ({ id })),
      pagination: { total: 5, limit: 2, skip: 2, pages: 3, hasMore: true },
    })
    const idsOf = async (filter: object) =>
      ((await list({ filter })).apiKeys as { id: string }[]).map(({ id }) => id)
    expect(await idsOf({ ...own, active: true })).toEqual([ids[1], ids[2], ids[4]])
    expect(await idsOf({ ...own, active: false })).toEqual([ids[0], ids[3]])
    expect(await idsOf({ userId: [] })).toEqual([])
    const all = await list({ filter: null, limit: 1 })
    expect(all.apiKeys).toEqual([{ id: ids[0] }])
  })

  it('of a user reach no key of another one: it is as if it had never been', async () => {
    const [mine, theirs] = [await app.key('mine'), await app.key('theirs', ['logs:read'])]
    const others = [idOf(theirs), idOf(operator)]
    const before = await app.gql(operator, LOG, { filter: { userId: ['theirs'] } })
    for (const document of [ROTATE, REVOKE]) {
      const never = await refused(mine, document, { id: 'ABCDEFGHIJ' })
      expect(never).toBe('NOT_FOUND: There is no key "ABCDEFGHIJ".')
      for (const id of others)
        expect((await refused(mine, document, { id })).replace(id, 'ABCDEFGHIJ')).toBe(never)
    }
    expect(await app.gql(operator, LOG, { filter: { userId: ['theirs'] } })).toEqual(before)
    expect((await app.gql(mine, LIST)).data.apiKeys.apiKeys).toEqual([{ id: idOf(mine) }])
    expect((await app.gql(mine, LOG, { filter: { keyId: others } })).data.auditLog.entries).toEqual([])
    for (const entry of (await app.gql(mine, LOG)).data.auditLog.entries) expect(entry.userId).toBe('mine')
    const own = await create(mine, { scopes: ['LOGS_READ'] })
    expect(own.apiKey).toMatchObject({ userId: 'mine', createdBy: idOf(mine) })
    expect((await create(mine, { userId: 'mine' })).apiKey.userId).toBe('mine')

    const FOREIGN = "FORBIDDEN: Expected the new key to be of the asking key's own user, got "
    expect(await refused(mine, CREATE, { input: { userId: 'theirs' } })).toBe(`${FOREIGN}another user.`)
    expect(await refused(mine, CREATE, { input: { service: true } })).toBe(`${FOREIGN}a service key.`)
    for (const document of [LIST, LOG])
      expect(await refused(mine, document, { filter: { userId: ['mine'] } })).toBe(
        'FORBIDDEN: Expected `filter.userId` to come with a service key, got the key of a user.',
      )
  })

  it('makes no stronger key, with whichever scopes it has', async () => {
    const subsets = [1, 2, 3, 4, 5, 6, 7].map((bits) => ALL_SCOPES.filter((_, index) => bits & (1 << index)))
    const target = await app.keys.create({ userId: 'u1', scopes: ['logs:read'] })
    const writing = await app.keys.create({ userId: 'u1', scopes: ['logs:write'] })
    const operations: Record<string, { needs: readonly Scope[]; query: string; variables: object }> = {
      apiKeys: { needs: ['admin'], query: LIST, variables: {} },
      auditLog: { needs: ['admin'], query: LOG, variables: {} },
      revokeApiKey: { needs: ['admin'], query: REVOKE, variables: { id: writing.apiKey.id } },
      rotateApiKey: { needs: ['admin', 'logs:read'], query: ROTATE, variables: { id: target.apiKey.id } },
      createApiKey: {
        needs: ['admin', 'logs:write'],
        query: CREATE,
        variables: { input: { userId: 'u1', scopes: ['LOGS_WRITE'] } },
      },
    }
    const schema = createSchema()
    const ofKeys = [schema.getQueryType(), schema.getMutationType()]
      .flatMap((type) => Object.keys(type?.getFields() ?? {}))
      .filter((name) => /ApiKey|apiKey|audit/.test(name))
    expect(Object.keys(operations).sort()).toEqual(ofKeys.sort())
    for (const held of subsets) {
      const asking = await app.key(null, held)
      for (const [name, { needs, query, variables }] of Object.entries(operations)) {
        const missing = needs.find((scope) => !held.includes(scope))
        const { errors } = await app.gql(asking, query, variables)
        const said = errors?.map(({ message, extensions }) => `${extensions.code}: ${message}`)
        const want =
          missing === undefined
            ? undefined
            : [`FORBIDDEN: Expected a key with the scope \`${missing}\`, got one with ${held.join(', ')}.`]
        if (name === 'rotateApiKey' && want === undefined && said)
          expect(said).toEqual([expect.stringMatching(/^CONFLICT: .*rotated already/)])
        else expect([name, held, said]).toEqual([name, held, want])
      }
    }
  })

  it('makes none that outlives it', async () => {
    const { key } = await app.keys.create({ userId: 'u1', scopes: ALL_SCOPES, lifetimeMs: DAY_MS })
    const end = new Date(clock.now() + DAY_MS).toISOString()
    const expected = `FORBIDDEN: Expected \`input.expiresAt\` to be at most ${end}, when the asking key expires, got `
    const later = new Date(clock.now() + DAY_MS + 1).toISOString()
    expect(await refused(key, CREATE, { input: {} })).toBe(`${expected}nothing.`)
    expect(await refused(key, CREATE, { input: { expiresAt: later } })).toBe(`${expected}${later}.`)
    expect((await create(key, { expiresAt: end })).apiKey.expiresAt).toBe(end)

    // Whoever rotates a key is given the new one.
    const rotatedBy = async (by: string, id: string) =>
      (await app.gql(by, ROTATE, { id })).data.rotateApiKey.apiKey.expiresAt as string | null
    const lasting = async () => (await app.keys.create({ userId: 'u1', scopes: ['logs:read'] })).apiKey.id
    const own = await app.keys.find(key)
    expect(await rotatedBy(key, await lasting())).toBe(end)
    expect(await rotatedBy(await app.key('u1'), await lasting())).toBe(null)
    clock.advance(DAY_MS / 2)
    expect(await rotatedBy(key, own?.keyId ?? '')).toBe(end)
  })

  it('says what is wrong with an input, and makes nothing', async () => {
    const before = (await app.keys.list()).length
    const now = new Date(clock.now()).toISOString()
    const NAME = 'text of 1 to 100 characters, without U+0000 or lone surrogates'
    const wrong: [string, object, string][] = [
      [CREATE, { input: {} }, 'Expected either `input.userId` or `input.service`, got neither.'],
      [
        CREATE,
        { input: { userId: 'u', service: true } },
        'Expected either `input.userId` or `input.service`, got both.',
      ],
      [
        CREATE,
        { input: { userId: '' } },
        'Expected `input.userId` to be text of 1 to 128 characters, without U+0000 or lone surrogates, got "".',
      ],
      [CREATE, { input: { userId: 'u', name: '' } }, `Expected \`input.name\` to be ${NAME}, got "".`],
      [
        CREATE,
        { input: { userId: 'u', scopes: [] } },
        'Expected `input.scopes` to be one or more of logs:read, logs:write, admin, got [].',
      ],
      [
        CREATE,
        { input: { userId: 'u', expiresAt: now } },
        `Expected \`input.expiresAt\` to be an instant to come, got ${now}.`,
      ],
      [
        ROTATE,
        { id: idOf(operator), overlap: -1 },
        'Expected `overlapSeconds` to be a whole number from 0 to 2592000, got -1.',
      ],
      [
        ROTATE,
        { id: idOf(operator), overlap: 2_592_001 },
        'Expected `overlapSeconds` to be a whole number from 0 to 2592000, got 2592001.',
      ],
      [
        REVOKE,
        { id: '' },
        'Expected `id` to be text of 1 to 128 characters, without U+0000 or lone surrogates, got "".',
      ],
      [LIST, { limit: 101 }, 'Expected `limit` to be a whole number from 1 to 100, got 101.'],
      [
        LIST,
        { filter: { userId: Array.from({ length: 101 }, () => 'u') } },
        'Expected `filter.userId` to be a list of at most 100 ids, got 101.',
      ],
      [
        LOG,
        { filter: { keyId: [''] } },
        'Expected `filter.keyId[0]` to be text of 1 to 128 characters, without U+0000 or lone surrogates, got "".',
      ],
    ]
    for (const [query, variables, sentence] of wrong)
      expect(await refused(operator, query, variables)).toBe(`BAD_USER_INPUT: ${sentence}`)
    expect(await app.keys.list()).toHaveLength(before)
    expect(app.logged.filter(({ level }) => level !== 'info')).toEqual([])
  })

  it('can be used up to their last millisecond, and their use is known', async () => {
    const made = await create(operator, {
      userId: 'used',
      expiresAt: new Date(clock.now() + 1_000).toISOString(),
    })
    clock.advance(999)
    expect((await app.gql(made.key, '{ viewer { keyId } }')).errors).toBe(undefined)
    clock.advance(1)
    expect((await app.gql(made.key, '{ viewer { keyId } }')).errors?.[0]?.extensions.code).toBe(
      'UNAUTHENTICATED',
    )
    app.keys.start()
    await app.keys.stop()
    const { apiKeys } = await app.managedKeysOf(OPERATOR).page({ userId: ['used'] }, { limit: 1 })
    expect(apiKeys).toMatchObject([{ id: made.apiKey.id, lastUsedAt: clock.now() - 1 }])
  })
})
