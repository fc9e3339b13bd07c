import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError, parseConfig } from '../../src/config/config.ts'
import { parseDatabaseUrl } from '../../src/kernel/database-url.ts'

/** The address, or the sentence with which it is refused. */
function read(url: string): object | string {
  try {
    return parseDatabaseUrl(url)
  } catch (error) {
    if (error instanceof Error && error.name === 'UrlProblem') return error.message
    throw error
  }
}

const ENCODE =
  'Percent-encode special characters in user, password and parameters: @ is %40, / is %2F, # is %23, ? is %3F, : is %3A.'
const UNDERSTOOD = 'It understands schema, sslmode, sslrootcert, sslcert, sslkey, application_name, host.'

describe('a URL of Postgres', () => {
  it('is read in all its parts', () => {
    expect(
      read(
        'postgresql://a%40b:p%40ss%2Fw%23rd%3F%25%3A@db.example:5433/logs%20x?schema=We%22ird&sslmode=require&application_name=me',
      ),
    ).toEqual({
      type: 'postgres',
      host: 'db.example',
      port: 5433,
      user: 'a@b',
      password: 'p@ss/w#rd?%:',
      database: 'logs x',
      parameters: {
        schema: 'We"ird',
        isSchemaNamed: true,
        tls: { isVerified: true, rootCertificate: undefined, certificate: undefined, key: undefined },
        applicationName: 'me',
        socketFolder: undefined,
      },
      display: 'postgresql://db.example:5433/logs%20x',
    })
    expect(read('postgres://u:p@ss@[::1]/x')).toMatchObject({ host: '::1', port: 5432, password: 'p@ss' })
    expect(read('postgres://u:p@/x?host=/tmp')).toMatchObject({ host: '/tmp', port: 5432, password: 'p' })
    expect(read('postgres:///x?host=/tmp')).toMatchObject({ host: '/tmp', user: undefined })
    expect(read('postgres://u@%2Fvar%2Frun/x')).toMatchObject({ host: '/var/run' })
    expect(read('postgres://h')).toMatchObject({ database: undefined, parameters: { schema: 'connlog' } })
  })

  it.each([
    ['postgres://u:p@ss/w#rd@host/db', `\`DATABASE_URL\` has a # or an @ in a wrong place. ${ENCODE}`],
    ['postgres://u:a/b@h/x', `\`DATABASE_URL\` has a # or an @ in a wrong place. ${ENCODE}`],
    ['postgres://u:a?b@h/x', `\`DATABASE_URL\` has a # or an @ in a wrong place. ${ENCODE}`],
    ['postgres://u:a#b@h/x', `\`DATABASE_URL\` has a # or an @ in a wrong place. ${ENCODE}`],
    ['postgres://u:12/b@h/x', `\`DATABASE_URL\` has a # or an @ in a wrong place. ${ENCODE}`],
    ['postgres://u:a/x', `The host or the port in \`DATABASE_URL\` cannot be read. ${ENCODE}`],
    ['postgres://u:p@h:99999/x', 'Expected the port in `DATABASE_URL` to be a number from 1 to 65535.'],
    [
      'postgres://u:p@a,b/x',
      '`DATABASE_URL` names several hosts. connlog connects to one: name the primary.',
    ],
    [
      'postgres://u:50%zz@h/x',
      '`DATABASE_URL` has a % that is not followed by the two hexadecimal digits of a character. Write %25 for a % sign.',
    ],
    [
      'postgres:///x',
      '`DATABASE_URL` names no host. Write postgres://USER:PASSWORD@HOST:PORT/DATABASE, or ?host=/path for the folder of a socket.',
    ],
    [
      'postgres://h/x?connection_limit=1',
      `\`DATABASE_URL\` has the parameter "connection_limit", which connlog does not understand: set POOL_SIZE. ${UNDERSTOOD}`,
    ],
    [
      'postgres://h/x?nonsense=1',
      `\`DATABASE_URL\` has the parameter "nonsense", which connlog does not understand. ${UNDERSTOOD}`,
    ],
    [
      'postgres://h/x?password=secret',
      `\`DATABASE_URL\` has the parameter "password", which connlog does not understand: it belongs before the ?, as in postgres://USER:PASSWORD@HOST:PORT/DATABASE. ${UNDERSTOOD}`,
    ],
    ['postgres://h/x?schema=a&schema=b', '`DATABASE_URL` has the parameter "schema" twice.'],
    ['postgres://h/x?schema=', 'The parameter "schema" of `DATABASE_URL` is empty.'],
    [
      `postgres://h/x?schema=${'é'.repeat(32)}`,
      'Expected the parameter "schema" of `DATABASE_URL` to be a name of at most 63 bytes that is not one of Postgres\' own (pg_…, information_schema), got one of 64 bytes.',
    ],
    [
      'postgres://h/x?schema=pg_catalog',
      'Expected the parameter "schema" of `DATABASE_URL` to be a name of at most 63 bytes that is not one of Postgres\' own (pg_…, information_schema), got one of 10 bytes.',
    ],
    [
      'postgres://h/x?sslmode=prefer',
      'Expected the parameter "sslmode" of `DATABASE_URL` to be disable, no-verify, require, verify-ca or verify-full. connlog never falls back to a connection without TLS, so there is no allow or prefer.',
    ],
    ['postgres://h/x?sslcert=a', '`DATABASE_URL` has one of "sslcert" and "sslkey". Give both.'],
  ])('%s is refused', (url, sentence) => {
    expect(read(url)).toBe(sentence)
  })

  it.each([
    'options',
    'pgbouncer',
    'pool_timeout',
    'connect_timeout',
    'search_path',
    'user',
    'uselibpqcompat',
  ])('is refused with the parameter %s, and named', (name) => {
    expect(read(`postgres://h/x?${name}=1`)).toContain(`the parameter "${name}", which connlog does not`)
  })
})

describe('a URL of SQLite', () => {
  it('is the path of a file, with any character but ?', () => {
    const pathOf = (url: string) => (read(url) as { path?: string }).path
    expect(pathOf('file:./a b#%é.db')).toBe('./a b#%é.db')
    expect(pathOf('file:/var/x.db')).toBe('/var/x.db')
    expect(pathOf('file:///var/x%20%3F.db')).toBe('/var/x ?.db')
    expect(pathOf('file::memory:')).toBe(':memory:')
  })

  it.each([
    ['file:./x.db?mode=ro', 'the parameter "mode" after ?'],
    ['file:./x.db?connection_limit=1', 'the parameter "connection_limit" after ?'],
    ['file::memory:?cache=shared', 'the parameter "cache" after ?'],
    ['file:///x.db?mode=ro', 'the parameter "mode" after ?'],
    ['file:~/x.db', 'begins with ~ or a variable'],
    ['file:$HOME/x.db', 'begins with ~ or a variable'],
    ['file:${HOME}/x.db', 'begins with ~ or a variable'],
    ['file://relative.db', 'has a host name after file://'],
    ['file:///%zz.db', 'Write %25 for a % sign'],
    ['file:///a#b.db', 'Write it as %23'],
    ['file:./data/', 'ends with a slash'],
  ])('%s is refused', (url, part) => {
    expect(read(url)).toContain(part)
  })
})

describe('a text that is no URL', () => {
  it.each([
    ['"postgres://app:hunter2@db/x"', 'begins or ends with a quote'],
    ["'postgres://app:hunter2@db/x'", 'begins or ends with a quote'],
    [' postgres://app:hunter2@db/x', 'begins or ends with a blank'],
    ['postgres://app:hunter2@db/x\n', 'begins or ends with a blank'],
    ['postgresql+asyncpg://app:hunter2@db/x', 'names a driver after the +'],
    ['jdbc:postgresql://app:hunter2@db/x', 'is a JDBC address'],
    ['host=db password=hunter2', 'is a list of keywords'],
    ["psql 'postgres://app:hunter2@db/x", 'is a psql command'],
    ['DATABASE_URL=postgres://app:hunter2@db/x', 'begins with its own name'],
    ['hunter2', 'got 7 characters.'],
    ['hunter2:x', 'got 9 characters.'],
    ['mysql://app:hunter2@db/x', 'got 24 characters, beginning with "mysql:".'],
  ])('%s is refused without a word of it', (url, part) => {
    expect(read(url)).toContain(part)
    expect(read(url)).not.toContain('hunter2')
  })
})

it('never repeats a password, whatever the form of the URL', () => {
  const canary = 'S3cr3tCanary'
  const scheme = fc.constantFrom(
    'postgres://',
    'postgresql://',
    'postgres:',
    'jdbc:',
    'mysql://',
    '"postgres://',
    ' ',
    '',
  )
  const noise = fc.string({ maxLength: 6, unit: fc.constantFrom(...Array.from('aZ09@:/#?&=%,[]. "\'\\;+~')) })
  const place = fc.constantFrom('@db.example/x', '@h:99999/x', '@a,b/x', '/x', '@/x?host=/tmp', '')
  const parameters = fc.constantFrom(
    '',
    '?sslmode=bogus',
    '?connection_limit=1',
    `?password=${canary}`,
    `?options=-c x=${canary}`,
  )
  fc.assert(
    fc.property(scheme, noise, noise, noise, place, parameters, (start, user, before, after, host, rest) => {
      const url = `${start}${user}:${before}${canary}${after}${host}${rest}`
      try {
        parseConfig({ DATABASE_URL: url })
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        expect([error.message, String(error.stack), ...error.problems].join('\n')).not.toContain(canary)
      }
    }),
    { numRuns: 3_000 },
  )
})
