import { z } from 'zod'
import { parseDatabaseUrl } from '../kernel/database-url.ts'
import { LOG_LEVELS } from '../kernel/logger.ts'
import { UrlProblem } from '../kernel/url-problem.ts'
import { wholeNumberIn } from '../kernel/whole-number.ts'

type ReadSetting<T> =
  | { readonly success: true; readonly data: T }
  /** The problem is a whole sentence; without one, a sentence says what is {@link Setting.expected}. */
  | { readonly success: false; readonly problem?: string }

/** One environment variable: how it is read, and the line that describes it in `--help` and in the docs. */
interface Setting<T> {
  /** Reads the text of the variable; `undefined` when it is not set or empty. */
  read(text: string | undefined): ReadSetting<T>
  /** What is accepted, as it ends the sentence "Expected … to be". */
  readonly expected: string
  /** The default as text, for people. */
  readonly default: string
  readonly description: string
  readonly isSecret?: true
}

const setting = <T>(
  schema: z.ZodType<T, string | undefined>,
  expected: string,
  defaultText: string,
  description: string,
): Setting<T> => ({ read: (text) => schema.safeParse(text), expected, default: defaultText, description })

const digits = (min: number, max: number) =>
  z
    .string()
    .transform((text) => wholeNumberIn(text) ?? Number.NaN)
    .refine((value) => value >= min && value <= max)

const wholeNumber = (min: number, max: number, byDefault: number, description: string) =>
  setting(
    digits(min, max)
      .optional()
      .transform((value) => value ?? byDefault),
    `a whole number from ${min} to ${max}`,
    String(byDefault),
    description,
  )

/** Absent where it is not set. */
const optionalNumber = (min: number, max: number, defaultText: string, description: string) =>
  setting(digits(min, max).optional(), `a whole number from ${min} to ${max}`, defaultText, description)

const oneOf = <const T extends string>(values: readonly T[], byDefault: T, description: string) =>
  setting(
    z
      .enum(values)
      .optional()
      .transform((value) => value ?? byDefault),
    values.join(', '),
    byDefault,
    description,
  )

const switchedBy = (defaultText: string, description: string) =>
  setting(
    z
      .enum(['true', 'false'])
      .optional()
      .transform((value) => (value === undefined ? undefined : value === 'true')),
    'true or false',
    defaultText,
    description,
  )

/** A text that no sentence may repeat. */
const secret = (form: RegExp, expected: string, defaultText: string, description: string) => ({
  ...setting(z.string().regex(form).optional(), expected, defaultText, description),
  isSecret: true as const,
})

/** An origin as browsers send it: no path, no user, no default port. */
const isOrigin = (text: string): boolean =>
  URL.canParse(text) && /^https?:[^*]+$/.test(text) && new URL(text).origin === text

/** Texts parted by commas, none of them twice. */
const origins = z
  .string()
  .optional()
  .transform((text) => [...new Set((text ?? '').split(',').map((origin) => origin.trim()))])
  .transform((all) => all.filter((origin) => origin !== ''))
  .refine((all) => all.every(isOrigin))

const MAX_EXTRA_PLATFORMS = 50

/** Names that are legal in upper case as values of a GraphQL enum, separated by commas. `all` means no filter in REST. */
const platformNames = z
  .string()
  .optional()
  .transform((text) => [...new Set((text ?? '').split(',').map((name) => name.trim()))])
  .transform((all) => all.filter((name) => name !== ''))
  .refine((all) => all.every((name) => /^[a-z][a-z\d_]{0,31}$/.test(name) && name !== 'all'))
  .refine((all) => all.length <= MAX_EXTRA_PLATFORMS)

const DEFAULT_DATABASE_URL = 'file:./data/connlog.db'

/** The text of a URL that can be read. */
function readDatabaseUrl(url = DEFAULT_DATABASE_URL): ReadSetting<string> {
  try {
    parseDatabaseUrl(url)
    return { success: true, data: url }
  } catch (error) {
    if (error instanceof UrlProblem) return { success: false, problem: error.message }
    throw error
  }
}

/** Every setting, in the order in which people read about them. */
export const SETTINGS = {
  DATABASE_URL: {
    read: readDatabaseUrl,
    expected: 'file:PATH for SQLite or postgres://… for Postgres',
    default: DEFAULT_DATABASE_URL,
    description:
      'Where logs are kept: `file:` is SQLite, `postgres://` or `postgresql://` is Postgres 15 or later, in the schema `connlog` or the one that `?schema=` names.',
  } satisfies Setting<string>,
  PORT: wholeNumber(0, 65_535, 4000, 'Port to listen on; 0 takes any free one.'),
  HOST: setting(
    z
      .string()
      .regex(/^[\w.:%-]{1,255}$/)
      .optional()
      .transform((value) => value ?? '127.0.0.1'),
    'a host name or an address',
    '127.0.0.1',
    'Address to listen on; `0.0.0.0` listens on all.',
  ),
  RETENTION_DAYS: optionalNumber(
    1,
    365,
    '7, or what the database remembers',
    'Days after which a log expires. `days` may go up to it, or to 7 where that is more.',
  ),
  EXTRA_PLATFORMS: setting(
    platformNames,
    `at most ${MAX_EXTRA_PLATFORMS} names such as mastodon,vk: lower-case letters, digits and _, from a letter on, at most 32 characters, not all`,
    'none',
    'Platforms to accept besides the built-in ones, separated by commas.',
  ),
  RATE_LIMIT_PER_MINUTE: wholeNumber(
    0,
    1_000_000,
    1200,
    'Requests a user may make in a minute with all keys together, or a service key; 0 turns the limit off.',
  ),
  BAD_KEYS_PER_MINUTE: wholeNumber(
    0,
    1_000_000,
    120,
    'Requests with a bad key an address may make in a minute; 0 turns the limit off.',
  ),
  TRUSTED_PROXIES: wholeNumber(
    0,
    10,
    0,
    'Proxies before the service, whose `X-Forwarded-For` says where requests come from; 0 believes none.',
  ),
  LOG_LEVEL: oneOf(
    LOG_LEVELS,
    'info',
    'How much the service writes about itself on standard error: as JSON, or on a terminal as lines for people.',
  ),
  NODE_ENV: oneOf(
    ['production', 'development', 'test'],
    'development',
    '`production` turns GraphiQL, introspection and the demo off unless a setting below says otherwise.',
  ),
  GRAPHIQL: switchedBy('true, false in production', 'Whether a browser that opens /graphql gets GraphiQL.'),
  INTROSPECTION: switchedBy('true, false in production', 'Whether the GraphQL schema can be asked for.'),
  DEMO: switchedBy(
    'true, false in production',
    'Whether a database without keys gets a demo user with logs.',
  ),
  CLEANUP_INTERVAL_SECONDS: wholeNumber(1, 86_400, 60, 'Pause between two rounds of deleting expired logs.'),
  POOL_SIZE: wholeNumber(1, 500, 10, 'Connections to Postgres a process may hold. SQLite needs none.'),
  SQLITE_READERS: wholeNumber(
    1,
    64,
    4,
    'Threads that read from an SQLite file at a time, each opened when it is first needed.',
  ),
  MAX_BODY_BYTES: wholeNumber(1_024, 104_857_600, 4_194_304, 'Largest request body accepted, in bytes.'),
  MAX_RESPONSE_BYTES: wholeNumber(
    65_536,
    134_217_728,
    16_777_216,
    'Largest GraphQL response or REST page, in bytes before compression; larger ones are rejected with TOO_COMPLEX.',
  ),
  BASE_PATH: setting(
    z
      .string()
      .regex(/^(?:\/[\w.~-]+)+$/)
      .optional(),
    'a path such as /connlog, without a slash at its end',
    'none',
    'Path below which a proxy or a host mounts the service. Requests without it are answered too.',
  ),
  COMPRESSION: switchedBy(
    'true',
    'Whether `connlog serve` compresses answers for clients that ask for it. Turn it off if a proxy does.',
  ),
  STREAMS: wholeNumber(1, 100_000, 1_000, 'Most subscriptions that a process serves at a time.'),
  STREAMS_PER_KEY: wholeNumber(1, 100_000, 100, 'Most subscriptions at a time of a key, in each process.'),
  STREAM_HEARTBEAT_SECONDS: wholeNumber(
    1,
    60,
    15,
    'Longest that a subscription says nothing; less than what proxies wait for.',
  ),
  REQUEST_TIMEOUT_SECONDS: wholeNumber(
    1,
    600,
    15,
    'How long a request may take, its body included; streams of lines are exempt.',
  ),
  MAX_CONCURRENT_REQUESTS: wholeNumber(
    1,
    100_000,
    256,
    'Most requests that a process works on at a time, and most streams of lines; it refuses others at once. Four times as many may still be sending their bodies.',
  ),
  MAX_QUEUE_MILLISECONDS: wholeNumber(
    10,
    60_000,
    1_000,
    'How long a request may have to wait for others; it refuses those that would wait longer, or longer than a fifth of it while a queue stands.',
  ),
  USER_SHARE_PERCENT: wholeNumber(
    1,
    100,
    25,
    'The most of each limit of a process that one user gets while other users want it, in percent. A service key counts as a user.',
  ),
  MAX_UNREAD_BYTES: wholeNumber(
    1_048_576,
    17_179_869_184,
    134_217_728,
    'Most bytes of answers that clients have not read yet, in each process.',
  ),
  KEEP_ALIVE_SECONDS: wholeNumber(
    1,
    3_600,
    75,
    'How long a connection without a request is kept; more than what load balancers keep it for.',
  ),
  SHUTDOWN_DELAY_SECONDS: wholeNumber(
    0,
    300,
    0,
    'How long a service that was told to stop still serves, not ready any more, before it takes no more requests.',
  ),
  MAX_QUERY_COST: wholeNumber(
    100,
    10_000_000,
    20_000,
    'Most points that a GraphQL operation may cost; docs/limits.md says how they are counted.',
  ),
  MAX_QUERY_TOKENS: wholeNumber(100, 20_000, 4_000, 'Most tokens that a GraphQL document may have.'),
  SLOW_REQUEST_MS: wholeNumber(
    0,
    600_000,
    1_000,
    'Milliseconds from which on an answer is logged as slow; 0 logs none.',
  ),
  METRICS: switchedBy('true', 'Whether /metrics tells Prometheus how the service does.'),
  METRICS_TOKEN: secret(
    /^[\x21-\x7e]{16,256}$/,
    '16 to 256 characters without spaces',
    'none',
    'Token that /metrics asks for, as `Authorization: Bearer`; without one it needs none.',
  ),
  CORS_ORIGINS: setting(
    origins,
    'origins such as https://app.example.com, parted by commas',
    'none',
    'Origins whose pages may call the service from a browser.',
  ),
  PERSISTED_OPERATIONS: setting(
    z.string().optional(),
    'the path of a JSON file',
    'none',
    'JSON file of GraphQL documents by their hash, which requests may name in place of a document.',
  ),
  PERSISTED_OPERATIONS_ONLY: switchedBy(
    'false',
    'Whether GraphQL documents that are not in that file are refused.',
  ),
} as const

export type SettingName = keyof typeof SETTINGS
export type SettingValues = {
  [Name in SettingName]: (typeof SETTINGS)[Name] extends Setting<infer T> ? T : never
}
