import { type GraphQLResolveInfo, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enforceNeeds, needsOf, reachOf } from '../../src/auth/needs.ts'
import { ALL_SCOPES, type Scope } from '../../src/auth/scopes.ts'
import { OTHER_DOORS } from '../../src/http/handler.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { createSchema } from '../../src/schema.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'
import { given as givenAt, operationsOf } from '../support/operations.ts'

/** A key that is made has no more scopes than who makes it, and without a word more than `admin`. */
const ASKING: Readonly<Record<string, object>> = {
  'Mutation.createApiKey': { input: { scopes: ['ADMIN'] } },
}

const operations = operationsOf(createSchema()).map((operation) => ({
  ...operation,
  variables: { ...operation.variables, ...ASKING[operation.name] },
}))

/** Every set of scopes that a key may hold. */
const SETS = Array.from({ length: 2 ** ALL_SCOPES.length - 1 }, (_, index) =>
  ALL_SCOPES.filter((_, bit) => ((index + 1) >> bit) % 2 === 1),
)

const KEYS = ['u1', null].flatMap((user) => SETS.map((scopes) => ({ user, scopes })))

async function isForbidden(
  app: TestApp,
  key: string,
  { field, document, variables }: (typeof operations)[0],
) {
  if (!document.startsWith('subscription')) {
    const { errors } = await app.gql(key, document, variables)
    return errors?.some(({ extensions }) => extensions.code === 'FORBIDDEN') ?? false
  }
  // What it needs is asked when it begins, before anything of it runs.
  const principal = await app.keys.find(key)
  try {
    await field.subscribe?.({}, variables, { principal } as never, {} as GraphQLResolveInfo)
    return false
  } catch (error) {
    return error instanceof AppError && error.code === 'FORBIDDEN'
  }
}

describe.each(PROVIDERS)('on %s', (provider) => {
  let app: TestApp
  beforeAll(async () => {
    app = keep(await startTestApp(provider))
  })
  afterAll(() => app.stop())

  it('every root field answers keys that have what it says it needs, and no other', async () => {
    const expected: Record<string, boolean> = {}
    const found: Record<string, boolean> = {}
    for (const { user, scopes } of KEYS) {
      const key = await app.key(user, scopes)
      for (const operation of operations) {
        const needs = needsOf(operation.field)
        const at = `${operation.name} with ${scopes.join(' ')} of ${user ?? 'a service'}`
        const hasReach = user === null || reachOf(operation.field) !== 'service key'
        expected[at] = !((needs === 'any key' || scopes.includes(needs)) && hasReach)
        found[at] = await isForbidden(app, key, operation)
      }
    }
    expect(found).toEqual(expected)
    expect(Object.keys(found).length).toBe(KEYS.length * operations.length)
  })

  it('arguments that name a user are taken from whom they say', async () => {
    const [user, service] = [await app.key('u1'), await app.key(null)]
    const answers: Record<string, string> = {}
    for (const { name, document, given } of reaching())
      for (const [who, key] of Object.entries({ user, service }))
        for (const named of ['u1', 'u2']) {
          const { errors } = await app.gql(key, document, given(named))
          answers[`${name}: ${who} names ${named}`] = errors?.[0]?.extensions.code ?? 'taken'
        }
    const expected = Object.fromEntries(
      reaching().flatMap(({ name, reach }) => [
        [`${name}: user names u1`, reach === 'own user' ? 'taken' : 'FORBIDDEN'],
        [`${name}: user names u2`, 'FORBIDDEN'],
        [`${name}: service names u1`, 'taken'],
        [`${name}: service names u2`, 'taken'],
      ]),
    )
    expect(answers).toEqual(expected)
    expect(Object.keys(expected).length).toBeGreaterThanOrEqual(24)
  })

  it('all else asks for a key where it is said to', async () => {
    for (const [door, needs] of Object.entries(OTHER_DOORS)) {
      const [method = '', path = '', page] = door.split(' ')
      const headers: Record<string, string> = page === undefined ? {} : { accept: 'text/html' }
      const { status } = await app.send('', path, { method, headers })
      expect([door, status === 401]).toEqual([door, needs !== 'no key'])
    }
  })

  it('every route answers keys that have what it says it needs, and no other', async () => {
    const send = async (key: string, method: string, path: string) =>
      (await app.send(key, path, { method, ...(method === 'GET' ? {} : { body: '{}' }) })).status
    for (const { path, methods } of app.routes)
      for (const [method, { needs }] of Object.entries(methods)) {
        expect(await send('', method, path)).toBe(needs === 'no key' ? 200 : 401)
        for (const { user, scopes } of KEYS) {
          const isIn = needs === 'no key' || needs === 'any key' || scopes.includes(needs)
          const status = await send(await app.key(user, scopes), method, path)
          expect([path, method, scopes, status === 403]).toEqual([path, method, scopes, !isIn])
        }
      }
  })
})

/** The places that say who may name a user. Erasing is only tried. */
function reaching() {
  return operations.flatMap((operation) =>
    operation.places.flatMap((place) => {
      const reach = reachOf(place.input)
      // A subscription that is taken does not end; its filter is that of all the others.
      if (reach === undefined || operation.document.startsWith('subscription')) return []
      const given = (user: string) => ({
        ...givenAt(operation, place, user),
        ...(operation.field.args.some(({ name }) => name === 'dryRun') ? { dryRun: true } : {}),
      })
      return [{ name: `${operation.name} ${place.coordinate}`, reach, document: operation.document, given }]
    }),
  )
}

it('a root field that does not say what it needs is no part of a schema', () => {
  const query = new GraphQLObjectType({ name: 'Query', fields: { secrets: { type: GraphQLString } } })
  expect(() => enforceNeeds(new GraphQLSchema({ query }))).toThrow(
    'the root field secrets does not say what it needs',
  )
})

it('a field whose scope is not asked for would be seen', () => {
  const needs: Scope = 'admin'
  const query = new GraphQLObjectType({
    name: 'Query',
    fields: {
      secrets: { type: GraphQLString, resolve: () => 'shown', extensions: { pothosOptions: { needs } } },
    },
  })
  const schema = new GraphQLSchema({ query })
  const { secrets } = query.getFields()
  const reader = { principal: { scopes: new Set(['logs:read']) } }
  const ask = () => secrets?.resolve?.({}, {}, reader, {} as GraphQLResolveInfo)
  expect(ask()).toBe('shown')
  enforceNeeds(schema)
  expect(ask).toThrow('Expected a key with the scope `admin`, got one with logs:read.')
})
