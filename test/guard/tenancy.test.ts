import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { OPERATOR } from '../../src/auth/principal.ts'
import { type Sight, sightOf } from '../../src/auth/sight.ts'
import { type Query, createQuery } from '../../src/logs/query.ts'
import type { LogStore } from '../../src/logs/store.ts'
import type { AnyLog } from '../../src/logs/kind.ts'

const SRC = resolve(import.meta.dirname, '../../src')

interface Rule {
  readonly what: string
  /** What may be said by `owner` alone. */
  readonly pattern: RegExp
  readonly owner: RegExp
  /** Code that breaks the rule: each must be found, or the rule finds nothing. */
  readonly samples: readonly string[]
}

/** Logs are reached by key → principal → sight → query → store, and each link is made in one place. */
const RULES: readonly Rule[] = [
  {
    what: 'a store of logs is made',
    pattern: /\b(createLogStore|createErasure|createRetention|createCountKeeper|appendGroups)(<.*>)?\(/,
    owner: /^core\.ts$|^logs\//,
    samples: ['const store = createLogStore(app.database, kind)', 'createErasure<Log, Filter>(database)'],
  },
  {
    what: 'a database is opened or handed on',
    pattern: /from '(\.[^']*)?\/database\/(open|client|instance|port)\.ts'/,
    owner:
      // Those of auth/ know the tables of keys, and what is spent.
      /^core\.ts$|^connlog\.ts$|^logs\/|^database\/|^auth\/(audit-log|key-store|key-watch|known-keys|last-use|managed-keys|rate-limit|shared-spending|stored-key)\.ts$|^cli\/(run|doctor\/(clocks|doctor|expired|migrations))\.ts$/,
    samples: ["import type { Database } from '../database/port.ts'"],
  },
  {
    what: 'SQL is written',
    pattern: /from '(\.[^']*)?\/database\/sql\.ts'|\$(query|execute)Raw/,
    owner:
      /^logs\/|^database\/|^auth\/(key-store|key-watch)\.ts$|^connections\/filter\.ts$|^cli\/doctor\/expired\.ts$/,
    samples: ["import { sql } from '../../database/sql.ts'", 'client.$queryRaw`SELECT 1`'],
  },
  {
    what: 'a statement is run',
    pattern: /\b(database|tx)\s*\??\.(query|execute|transaction)\b|\bquery<.*>\(/,
    owner:
      /^logs\/|^database\/|^auth\/(key-store|key-watch|last-use)\.ts$|^cli\/doctor\/(clocks|expired)\.ts$/,
    samples: ['await app.database.query(statement)', 'const [row] = await query<Row>(statement)'],
  },
  {
    what: 'it is said whose logs are seen',
    pattern: /\b(sightOf|narrowed)\(|\bas (unknown as )?(Sight|Query<)/,
    owner: /^auth\/sight\.ts$|^connections\/(connection-logs|erase)\.ts$|^logs\/query\.ts$/,
    samples: [
      "{ only: 'everyone' } as Sight",
      'sightOf({ userId: null })',
      '({}) as unknown as Query<Filter>',
    ],
  },
  {
    what: 'a query is made',
    pattern: /\bcreateQuery(<.*>)?\(/,
    owner: /^logs\/query\.ts$|^connections\/connection-logs\.ts$/,
    samples: ['createQuery(sight, {}, horizon)'],
  },
  {
    what: 'one acts without a key',
    pattern: /\bOPERATOR\b|\bactingFor\(|\bscopes: new Set/,
    owner: /^auth\/|^core\.ts$|^cli\/(keys-log|pull|import)\.ts$/,
    samples: ['connectionLogsOf(OPERATOR)', 'actingFor(userId)', 'scopes: new Set(ALL_SCOPES)'],
  },
]

const withoutComments = (text: string) => text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.[jt]s$/.test(path) && !path.startsWith('generated'))
  .map((path) => ({ path, text: withoutComments(readFileSync(join(SRC, path), 'utf8')) }))

const breaches = ({ pattern, owner }: Rule, of: readonly { path: string; text: string }[]) =>
  of.filter(({ path, text }) => !owner.test(path) && pattern.test(text)).map(({ path }) => path)

it.each(RULES)('only in few places $what', (rule) => {
  expect(
    breaches(rule, files),
    `these reach logs past the key: go through connectionLogsOf(principal), or give the file to the rule in test/guard/tenancy.test.ts with a reason`,
  ).toEqual([])
})

it.each(RULES)('it is noticed where elsewhere $what', (rule) => {
  const strange = rule.samples.map((text) => ({ path: 'http/new-door.ts', text }))
  expect(breaches(rule, strange)).toEqual(rule.samples.map(() => 'http/new-door.ts'))
})

it.each(RULES)('every place that may is there, and does: $what', (rule) => {
  const owners = files.filter(({ path, text }) => rule.owner.test(path) && rule.pattern.test(text))
  expect(owners.length).toBeGreaterThan(0)
})

it('by type, no literal and no altered copy is a sight or a query', () => {
  const sight = sightOf(OPERATOR)
  const query = createQuery(sight, {}, { nowMs: 0, retentionMs: 1 })
  // Checked by `npm run check`, which fails where one of these is no error any more. Never run.
  const wrong = (store: LogStore<AnyLog, object>) => {
    // @ts-expect-error -- only `sightOf` makes a sight from a principal; a literal would name any user
    const made: Sight = { only: 'user', userId: 'u1' }
    // @ts-expect-error -- a copy with another user would reach the logs of that user
    // oxlint-disable-next-line typescript/no-misused-spread -- what types have to see, too
    const altered: Sight = { ...sight, only: 'user', userId: 'u1' }
    // @ts-expect-error -- only `createQuery` makes a query, which then has a tenant and an expiry
    const asked: Query<object> = { sight, filter: {}, newerThanMs: 0 }
    // @ts-expect-error -- a copy with another instant would return expired logs
    // oxlint-disable-next-line typescript/no-misused-spread -- what types have to see, too
    const further: Query<object> = { ...query, newerThanMs: 0 }
    // @ts-expect-error -- a literal in place of a sight would reach the logs of all users
    createQuery({ only: 'everyone' }, {}, { nowMs: 0, retentionMs: 1 })
    return [
      made,
      altered,
      asked,
      further,
      // @ts-expect-error -- a literal in place of a query would return the logs of all users
      store.page({ sight: { only: 'everyone' }, filter: {}, newerThanMs: 0 }, { limit: 1, skip: 0 }),
      // @ts-expect-error -- an id without a query would return the log of any user
      store.get({}, 'id'),
    ]
  }
  expect(wrong.length).toBe(1)
})
