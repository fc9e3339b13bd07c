import { describe, expect, it } from 'vitest'
import { createConnlog } from '../../src/connlog.ts'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'

const SECRETS = [
  'EAABsbCS1iHg0BAKZC9',
  'q7Zk3mP0a8XcV5bN2mQ1',
  'clk_a1b2c3d4e5_x0x0x0x0x0',
  '482913',
  'hunter2',
]
const EVENT = { platform: 'facebook', eventType: 'connect_failed', connectionMethod: 'oauth' } as const
const LOGS = '/api/v1/connections/logs'

/** Logs in which a secret stands where it may not: slips that producers make. */
const slips = (secret: string) => [
  { error: { rawResponse: { access_token: secret } } },
  { error: { message: [secret] } },
  { eventId: `${secret}\u0000${'x'.repeat(200)}` },
  { context: { connectToken: Number(secret) || { value: secret } } },
  { context: { invitationToken: [secret] } },
  { metadata: [secret] },
  { metadata: secret },
  { success: { profilePicture: { url: secret } } },
  { success: { permissions: { token: secret } } },
  { durationMs: { token: secret } },
  { [`${secret}!`]: 1 },
  { error: { [`access_token=${secret}`]: 1 } },
]

describe.each(PROVIDERS)('secrets in the wrong place, on %s', (provider) => {
  it('are repeated by no error and no log line, whatever they were sent through', async () => {
    const app = await startTestApp(provider)
    const connlog = createConnlog({ databaseUrl: app.url })
    await connlog.start()
    const key = await app.key(null)
    const said: string[] = []
    const post = async (path: string, type: string, body: string) => {
      const response = await app.send(key, path, { method: 'POST', headers: { 'content-type': type }, body })
      const text = await response.text()
      expect(text).toMatch(/error|rejected/)
      said.push(text)
    }
    const upper = { platform: 'FACEBOOK', eventType: 'CONNECT_FAILED', connectionMethod: 'OAUTH' }
    const record =
      'mutation($input: RecordConnectionLogInput!) { recordConnectionLog(input: $input) { created } }'
    for (const secret of SECRETS)
      for (const slip of slips(secret)) {
        await post(LOGS, 'application/json', JSON.stringify({ ...EVENT, ...slip }))
        await post(LOGS, 'application/x-ndjson', `${JSON.stringify({ ...EVENT, ...slip })}\n`)
        const input = { ...upper, ...slip }
        await post('/graphql', 'application/json', JSON.stringify({ query: record, variables: { input } }))
        await connlog.record({ ...EVENT, ...slip } as never).catch((error: Error) => said.push(error.message))
      }
    for (const secret of SECRETS.slice(0, 3)) {
      const texts = [secret, JSON.stringify(secret), `{a: ${JSON.stringify(secret)}}`, `"""${secret}"""`]
      for (const literal of texts)
        for (const query of [
          `{ connectionLogs(limit: ${literal}) { pagination { total } } }`,
          `{ connectionLogs(filter: { platform: ${literal} }) { pagination { total } } }`,
          `mutation { recordConnectionLog(input: { error: { rawResponse: ${literal} } }) { created } }`,
        ])
          await post('/graphql', 'application/json', JSON.stringify({ query }))
      for (const query of [
        `mutation { revokeApiKey(id: "${secret}") { apiKey { id } } }`,
        `{ ${secret.replaceAll(/\W/g, '_')} }`,
        `{ connectionLogs(limit: 0, search: "${secret}" }`,
      ])
        await post('/graphql', 'application/json', JSON.stringify({ query }))
      for (const path of [`${LOGS}?platform=${secret}`, `${LOGS}?${secret}=1`, `${LOGS}?limit=${secret}`]) {
        said.push(await (await app.send(key, path)).text())
      }
    }
    await connlog.stop()
    const all = [...said, JSON.stringify(app.logged)].join('\n')
    for (const secret of SECRETS) expect(all).not.toContain(secret)
  })
})
