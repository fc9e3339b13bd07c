import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sql } from '../../src/database/sql.ts'
import { startTestApp } from '../support/app.ts'
import { runCommand } from '../support/command.ts'
import { PROVIDERS } from '../support/databases.ts'
import { SCRATCH } from '../support/scratch.ts'

const NASTY = 'x\u001b[2J\u001b]0;pwned\u0007\nAAAAAAAAAA\tservice\tlogs:read,admin\u009b\u202e'
const ACTED_ON = /[^\P{Cc}\n\t]|\p{Cf}/u

describe.each(PROVIDERS)('what tenants sent, on a terminal, on %s', (provider) => {
  it('forges no row of keys and moves no cursor, and no new key is named so', async () => {
    const app = await startTestApp(provider)
    const key = await app.key('u1')
    const refused = await app.gql(
      key,
      'mutation($n: String!) { createApiKey(input: { name: $n }) { key } }',
      {
        n: NASTY,
      },
    )
    expect(refused.errors?.[0]?.message).toContain('without control characters')
    await app.database.execute(sql`UPDATE api_keys SET name = ${NASTY}, user_id = ${NASTY}`)
    const env = { DATABASE_URL: app.url }
    for (const args of [
      ['keys', 'list'],
      ['keys', 'log'],
    ]) {
      const { stdout, stderr } = await runCommand(args, env)
      expect(stdout + stderr).not.toMatch(ACTED_ON)
      expect(stdout.trimEnd().split('\n')).toHaveLength(1)
    }
  })

  it('forges no line of a summary of an import', async () => {
    const app = await startTestApp(provider)
    const path = join(SCRATCH, `nasty-${process.pid}-${provider}.ndjson`)
    const event = { platform: 'reddit', eventType: 'connect_failed', connectionMethod: 'oauth' }
    const lines = [
      { ...event, [`x\u001b[2J\n5 stored\u009b\u202e`]: 1 },
      { ...event, platform: `x\u001b[2J\n5 stored\u009b\u202e` },
    ]
    await writeFile(path, lines.map((line) => JSON.stringify(line)).join('\n'))
    const { stdout, stderr } = await runCommand(['import', path], { DATABASE_URL: app.url })
    expect(stdout + stderr).not.toMatch(ACTED_ON)
    expect(`${stdout}${stderr}`.split('\n').filter((line) => line.startsWith('5 stored'))).toEqual([])
  })

  it('names a key by the id in it where a whole key was given, and repeats no key', async () => {
    const app = await startTestApp(provider)
    const env = { DATABASE_URL: app.url }
    const [revoked, rotated, unknown] = [await app.key('u1'), await app.key('u1'), await app.key('u1')]
    const idOf = (key: string) => key.slice(4, 14)
    const outputs = [
      await runCommand(['keys', 'revoke', revoked], env),
      await runCommand(['keys', 'rotate', rotated], env),
      await runCommand(['keys', 'revoke', `clk_0000000000_${unknown.slice(15)}`], env),
      await runCommand(['keys', 'revoke', `${unknown}!`], env),
      await runCommand(['keys', 'log', '--key', unknown], env),
      await runCommand(['keys', unknown], env),
      await runCommand(['keys', 'revoke', '0000000000'], env),
    ]
    expect(outputs[0]?.stdout).toBe(`Revoked ${idOf(revoked)}.\n`)
    expect(outputs[1]?.stderr).toContain(`${idOf(rotated)} is refused from`)
    expect(outputs[2]?.stderr).toBe('There is no key "0000000000".\n')
    expect(outputs[3]?.stdout).toBe(`Revoked ${idOf(unknown)}.\n`)
    expect(outputs[4]?.stdout.split('\n')).toHaveLength(3)
    expect(outputs[6]?.stderr).toBe('There is no key "0000000000".\n')
    const all = outputs.map(({ stdout, stderr }) => stdout + stderr).join('')
    for (const key of [revoked, rotated, unknown]) expect(all).not.toContain(key.slice(15, 47))
    const admin = await app.key('u1')
    const answer = await app.gql(
      admin,
      'mutation($id: ID!) { revokeApiKey(id: $id) { apiKey { id revokedAt } } }',
      {
        id: unknown,
      },
    )
    expect(answer.data.revokeApiKey.apiKey.id).toBe(idOf(unknown))
    expect((await app.send(unknown, '/api/v1/connections/logs')).status).toBe(401)
  })
})
