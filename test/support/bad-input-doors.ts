import { tmpdir } from 'node:os'
import { expect } from 'vitest'
import { type Connlog, AppError, createConnlog } from '../../src/connlog.ts'
import { sql } from '../../src/database/sql.ts'
import { UnsafeNumber, parseJson } from '../../src/kernel/parse-json.ts'
import { type TestApp, keep, startTestApp } from './app.ts'
import { NOW } from './bad-input-words.ts'
import { type TestClock, createTestClock } from './clock.ts'
import type { Provider } from './databases.ts'
import { SCRATCH } from './scratch.ts'

export const LOGS = '/api/v1/connections/logs'

/** A service on a database, the same database in process, and the key of a service that may do everything. */
export interface World {
  readonly app: TestApp
  readonly connlog: Connlog
  readonly clock: TestClock
  readonly key: string
  /** How many logs are on disk, of whatever user and instant. */
  stored(): Promise<number>
  stop(): Promise<void>
}

export async function startWorld(provider: Provider): Promise<World> {
  const clock = createTestClock(NOW)
  const app = keep(await startTestApp(provider, { clock }))
  const connlog = createConnlog({ databaseUrl: app.url, clock })
  await connlog.start()
  return {
    app,
    connlog,
    clock,
    key: await app.key(null),
    stored: async () => {
      const [row] = await app.database.query<{ n: number | bigint }>(
        sql`SELECT count(*) AS n FROM connection_logs`,
      )
      return Number(row?.n)
    },
    stop: async () => {
      await connlog.stop()
      await app.stop()
    },
  }
}

/** What came back from a door, whatever its form. */
export interface Answer {
  readonly status: number
  /** Of the first error; empty where a door has no codes. */
  readonly code: string
  /** Of the first error; empty where nothing was refused. */
  readonly sentence: string
  /** The whole of it. */
  readonly text: string
}

/** Sends to a path of the service and reads the answer, of REST or of GraphQL. */
export async function post(
  { app, key }: World,
  path: string,
  body: BodyInit,
  contentType = 'application/json',
  as = key,
): Promise<Answer> {
  const headers = contentType === '' ? {} : { 'content-type': contentType }
  return read(await app.send(as, path, { method: 'POST', headers, body, duplex: 'half' } as RequestInit))
}

export async function get({ app, key }: World, path: string, as = key): Promise<Answer> {
  return read(await app.send(as, path))
}

interface AnswerBody {
  readonly error?: string
  readonly errors?: readonly {
    readonly message?: string
    readonly error?: string
    readonly extensions?: { readonly code: string }
  }[]
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text()
  const { error, errors } = JSON.parse(text) as AnswerBody
  const first = errors?.[0]
  return {
    status: response.status,
    code: first?.extensions?.code ?? '',
    sentence: error ?? first?.message ?? first?.error ?? '',
    text,
  }
}

/** Nothing of what the service is made of: drivers, statements, folders, stacks. */
export function assertClean(text: string): void {
  expect(text).not.toMatch(
    /prisma|sqlite|postgres|pg_|SELECT|INSERT|node_modules|at \w+ \(|\.[jt]s:|originalError|INTERNAL/i,
  )
  for (const folder of [process.cwd(), tmpdir(), SCRATCH]) expect(text).not.toContain(folder)
}

/** How a door writes a log: as JSON, as JSON with GraphQL's enum values, or in GraphQL's own notation. */
export type Notation = 'json' | 'variable' | 'literal'

/** A way by which a log comes in. */
export interface Door {
  readonly name: string
  readonly notation: Notation
  /** What stands before the name of a field in sentences. */
  readonly at: string
  /** HTTP status of a refusal; absent for GraphQL, where it depends on who refuses. */
  readonly refusal?: number
  /** Sends one log, alone or among good ones that must not be stored either. */
  send(world: World, log: string): Promise<Answer>
}

const ONE = 'mutation($input: RecordConnectionLogInput!) { recordConnectionLog(input: $input) { created } }'
const MANY =
  'mutation($inputs: [RecordConnectionLogInput!]!) { recordConnectionLogs(inputs: $inputs) { created } }'

const graphql = (world: World, query: string, variables = '{}') =>
  post(world, '/graphql', `{"query":${JSON.stringify(query)},"variables":${variables}}`)

export const DOORS: readonly Door[] = [
  { name: 'REST', notation: 'json', at: '', refusal: 400, send: (world, log) => post(world, LOGS, log) },
  {
    name: 'REST list',
    notation: 'json',
    at: '[2].',
    refusal: 400,
    send: (world, log) => post(world, LOGS, `[${logText('json')},${logText('json')},${log}]`),
  },
  {
    name: 'REST lines',
    notation: 'json',
    at: '',
    refusal: 200,
    send: (world, log) => post(world, LOGS, `${log}\n`, 'application/x-ndjson'),
  },
  {
    name: 'GraphQL variable',
    notation: 'variable',
    at: 'input.',
    send: (world, log) => graphql(world, ONE, `{"input":${log}}`),
  },
  {
    name: 'GraphQL list variable',
    notation: 'variable',
    at: 'inputs[1].',
    send: (world, log) => graphql(world, MANY, `{"inputs":[${logText('variable')},${log}]}`),
  },
  {
    name: 'GraphQL literal',
    notation: 'literal',
    at: 'input.',
    send: (world, log) => graphql(world, `mutation { recordConnectionLog(input: ${log}) { created } }`),
  },
  {
    name: 'GraphQL list literal',
    notation: 'literal',
    at: 'inputs[1].',
    send: (world, log) =>
      graphql(
        world,
        `mutation { recordConnectionLogs(inputs: [${logText('literal')}, ${log}]) { created } }`,
      ),
  },
  {
    name: 'record()',
    notation: 'json',
    at: '',
    refusal: 400,
    send: async ({ connlog }, log) => thrown(connlog.record(JSON.parse(log))),
  },
]

/** What a call in process was refused with, in the form of an answer. */
export async function thrown(call: Promise<unknown>): Promise<Answer> {
  try {
    return { status: 200, code: '', sentence: '', text: JSON.stringify(await call) }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const { status, code, message } = error
    return { status, code, sentence: message, text: `${message} ${JSON.stringify(error)}` }
  }
}

const BASE = {
  json: { platform: '"instagram"', eventType: '"connect_failed"', connectionMethod: '"oauth"' },
  variable: { platform: '"INSTAGRAM"', eventType: '"CONNECT_FAILED"', connectionMethod: '"OAUTH"' },
  literal: { platform: 'INSTAGRAM', eventType: 'CONNECT_FAILED', connectionMethod: 'OAUTH' },
} as const

/** A good log, in which one field, such as `success.permissions[1]`, has the value written in JSON. */
export function logText(notation: Notation, field = '', json = ''): string {
  const [outer = '', inner] = field.replace(/\[\d+\]$/, '').split('.')
  const key = (name: string) => (notation === 'literal' ? name : JSON.stringify(name))
  const value = notation === 'literal' && json !== '' ? literal(parseJson(json)) : json
  const fields: Record<string, string> = { ...BASE[notation] }
  if (outer !== '')
    Object.defineProperty(fields, outer, {
      value: inner === undefined ? value : `{${key(inner)}:${value}}`,
      enumerable: true,
    })
  return `{${Object.entries(fields)
    .map(([name, text]) => `${key(name)}:${text}`)
    .join(',')}}`
}

/** A value of JSON in the notation of GraphQL. */
export function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(',')}]`
  if (value instanceof UnsafeNumber) return value.digits
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([name, inner]) => `${name}:${literal(inner)}`)
      .join(',')}}`
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
