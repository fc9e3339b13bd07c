import { expect, it } from 'vitest'
import { openDatabase } from '../../src/database/open.ts'
import { DatabaseOpenError } from '../../src/database/open-error.ts'
import { openSentence } from '../../src/database/postgres/open-sentence.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { parseDatabaseUrl } from '../../src/kernel/database-url.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { runCommand, runProcess } from '../support/command.ts'
import { createTestDatabase } from '../support/databases.ts'
import { undoneAfterEach } from '../support/undo.ts'

const undo = undoneAfterEach()
const CANARY = 'S3cr3tCanary'

async function refusal(url: string): Promise<string> {
  try {
    await (await openDatabase(url, { poolSize: 1, clock: systemClock, logger: silentLogger })).close()
    return 'opened'
  } catch (error) {
    if (error instanceof DatabaseOpenError) return error.message
    throw error
  }
}

it('says what is wrong with TLS, with a socket and with a role', async () => {
  const { url, drop } = await createTestDatabase('postgres')
  undo(drop)
  const name = new URL(url).pathname
  const shown = url.replace('postgres:postgres@', '')
  expect(await refusal(`${url}?sslmode=require`)).toBe(
    `Could not open Postgres at ${shown}: it does not speak TLS. Turn on ssl in Postgres, or remove sslmode to connect without TLS.`,
  )
  expect(await refusal(`${url}?sslmode=verify-full&sslrootcert=/nowhere/ca.pem`)).toBe(
    'Could not read /nowhere/ca.pem, which the parameter "sslrootcert" of `DATABASE_URL` names: there is no such file.',
  )
  expect(await refusal(`postgresql://u:${CANARY}@${name}?host=/nowhere`)).toBe(
    `Could not open Postgres at postgresql://${name} (socket in /nowhere): there is no socket /nowhere/.s.PGSQL.5432.`,
  )
  expect(await refusal(`${url}?sslmode=disable&application_name=me`)).toBe('opened')
})

it('says why a certificate is not accepted, and repeats what Postgres says of a role', () => {
  const address = parseDatabaseUrl(`postgres://u:${CANARY}@db/x`)
  if (address.type !== 'postgres') throw new TypeError('not Postgres')
  const sentence = (code: string, message = 'x') =>
    openSentence(address, Object.assign(new Error(message), { code }))
  expect(sentence('DEPTH_ZERO_SELF_SIGNED_CERT')).toBe(
    'Could not open Postgres at postgres://db/x: its certificate is not signed by an authority that this machine trusts. Name the certificate of the authority with sslrootcert=/path/to/ca.pem, or encrypt without a check with sslmode=no-verify.',
  )
  expect(sentence('28000', 'role "u" does not exist')).toBe(
    'Could not open Postgres at postgres://db/x: role "u" does not exist.',
  )
  expect(sentence('XX000', `no word of ${CANARY}`)).toBe(
    'Could not open Postgres at postgres://db/x: it answered XX000.',
  )
})

it.each([
  `"postgres://u:${CANARY}@127.0.0.1:1/x"`,
  `postgres://u:${CANARY}@127.0.0.1:1/x`,
  `postgres://u:${CANARY}/@127.0.0.1:1/x`,
  `postgres://127.0.0.1:1/x?user=u&password=${CANARY}`,
  `jdbc:postgresql://u:${CANARY}@127.0.0.1/x`,
  `host=127.0.0.1 password=${CANARY}`,
])('prints no password by serve, keys create and doctor, given %s', async (DATABASE_URL) => {
  for (const args of [
    ['keys', 'create', '--service'],
    ['doctor'],
    ['doctor', '--json'],
    ['migrate'],
    ['serve'],
  ]) {
    const { code, stdout, stderr } = await runCommand(args, { DATABASE_URL })
    expect(code).toBe(1)
    expect(`${stdout}${stderr}`).toMatch(/DATABASE_URL|Could not open Postgres/)
    expect(`${stdout}${stderr}`).not.toContain(CANARY)
  }
})

it('prints no warning of the driver for sslmode=require', async () => {
  const { url, drop } = await createTestDatabase('postgres')
  undo(drop)
  const { code, stderr } = await runProcess(['migrate'], { DATABASE_URL: `${url}?sslmode=require` })
  expect([code, stderr.split('\n').length]).toEqual([1, 2])
  expect(stderr).toContain('it does not speak TLS')
})
