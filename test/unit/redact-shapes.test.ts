import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redactJson } from '../../src/connections/redact-json.ts'
import { redactText } from '../../src/connections/redact.ts'

const RUN = 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'

describe('redaction by form', () => {
  it.each([
    ['Facebook', `EAAB${RUN}`],
    ['Instagram', `IGQVJ${RUN}`],
    ['Threads', `THAA${RUN}`],
    ['an app of Facebook', '123456789012345|q7Zk3mP0a8XcV5bN2m'],
    ['an app of Facebook, encoded', '123456789012345%7Cq7Zk3mP0a8XcV5bN2m'],
    ['Google, refresh', '1//0gAbCdEfGhIjKl-mN'],
    ['Google, refresh in JSON', String.raw`1\/\/0gAbCdEfGhIjKl-mN`],
    ['Google, refresh in an address', '1%2F%2F0gAbCdEfGhIjKl-mN'],
    ['Google, code', '4/0AX4XfWhAbCdEfGh'],
    ['Google, access', `ya29.${RUN}`],
    ['Google, client', 'GOCSPX-AbCdEfGhIjKl_mNoP'],
    ['Google, key', `AIza${RUN}`],
    ['TikTok, access', `act.${RUN}!5432.va`],
    ['TikTok, refresh', `rft.${RUN}!5432.va`],
    ['Pinterest, access', `pina_${RUN}`],
    ['Pinterest, refresh', `pinr.${RUN}`],
    ['LinkedIn', `AQV${RUN}`],
    ['X, app', `AAAAAAAAAAAAAAAAAAAAA${RUN}%3D${RUN}`],
    ['X, user', '2244994945-aBcDeFgHiJkLmNoPqRsTuV12'],
    ['Telegram', '123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0'],
    ['JWT', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl'],
    ['JWT of two parts', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0'],
    ['Stripe', `sk_live_${RUN}`],
    ['GitHub', `ghp_${RUN}`],
    ['Slack', 'xoxb-123456789012-abcdefABCDEF'],
    ['AWS', 'AKIAIOSFODNN7EXAMPLE'],
    ['connlog', 'clk_a1b2c3d4e5_0123456789abcdefABCDEF'],
    [
      'a private key',
      '-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nabc\n-----END RSA PRIVATE KEY-----',
    ],
    [
      'a private key in JSON',
      String.raw`-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END PRIVATE KEY-----\n`.slice(0, -2),
    ],
  ])('finds what is a token of %s by itself', (_, token) => {
    expect(redactText(`Rejected ${token} at once`)).toBe('Rejected [redacted] at once')
    expect(redactText(`["${token}"]`)).toBe('["[redacted]"]')
    expect(redactJson({ note: token, [token]: 1 })).toEqual({ note: '[redacted]', '[redacted]': 1 })
  })

  it.each([
    ['GET https://user:p%40ss@example.com/x', 'GET https://[redacted]@example.com/x'],
    ['postgres://app:hun@ter2@db:5432/x', 'postgres://[redacted]@db:5432/x'],
    [
      String.raw`{"url":"https:\/\/user:pass@example.com\/"}`,
      String.raw`{"url":"https:\/\/[redacted]@example.com\/"}`,
    ],
    ['?next=https%3A%2F%2Fuser%3Apass%40example.com%2F', '?next=https%3A%2F%2F[redacted]%40example.com%2F'],
    ['Your app password abcd-efgh-ijkl-mnop is wrong', 'Your app password [redacted] is wrong'],
    ['The group abcd-efgh-ijkl-mnop is unknown', 'The group abcd-efgh-ijkl-mnop is unknown'],
    ['proxy-authorization: Basic dXNlcjpwYXNz', 'proxy-authorization: [redacted]'],
  ])('%s', (text, expected) => {
    expect(redactText(text)).toBe(expected)
  })

  it.each([
    'token',
    'tokens',
    'access_tokens',
    'accessToken2',
    'tokenValue',
    'passwords',
    'secrets',
    'secretKey',
    'privateKey',
    'credentials',
    'pwd',
    'cookies',
    'sessionId',
    'jwt',
    'refreshJwt',
    'x-api-key',
    'Set-Cookie',
    'headers[authorization]',
    'access token',
  ])('takes all of what stands under the key %s of metadata', (key) => {
    expect(redactJson({ a: [{ [key]: 'hunter' }] })).toEqual({ a: [{ [key]: '[redacted]' }] })
    expect(redactJson({ [key]: ['hunter', { b: 'x' }] })).toEqual({ [key]: '[redacted]' })
    expect(redactJson({ [key]: { value: 'hunter' } })).toEqual({ [key]: '[redacted]' })
  })

  it('knows pairs of a name and a value in metadata, and secrets in its keys', () => {
    expect(
      redactJson({
        headers: ['accept', '*/*', 'authorization', 'q7Zk3mP0', 'set-cookie', 'sid=abc'],
        entries: [
          ['authorization', 'q7Zk3mP0'],
          ['set-cookie', ['sid=abc']],
        ],
        fields: [
          { name: 'access_token', value: 'hunter' },
          { value: 'hunter', key: 'client_secret' },
          { name: 'scope', value: 'email' },
        ],
        'token=AbC9dEf': 1,
        'token=AbC9dEg': 2,
        code: '4/0AX4XfWh',
      }),
    ).toEqual({
      headers: ['accept', '*/*', 'authorization', '[redacted]', 'set-cookie', '[redacted]'],
      entries: [
        ['authorization', '[redacted]'],
        ['set-cookie', '[redacted]'],
      ],
      fields: [
        { name: 'access_token', value: '[redacted]' },
        { value: '[redacted]', key: 'client_secret' },
        { name: 'scope', value: 'email' },
      ],
      'token=[redacted]': 1,
      'token=[redacted] (2)': 2,
      code: '[redacted]',
    })
  })

  it('changes nothing in metadata that comes back', () => {
    const keys = fc.constantFrom(
      'a',
      'token',
      'tokens',
      'name',
      'value',
      'code',
      'token=AbC9',
      'token=AbC8',
      'cookies',
    )
    const texts = fc.constantFrom(
      'authorization',
      'access_token',
      'q7Zk3mP0',
      'sid=1',
      'expired',
      'x',
      `EAAB${RUN}`,
    )
    fc.assert(
      fc.property(
        fc.object({
          key: keys,
          values: [texts, fc.integer(), fc.boolean()],
          maxDepth: 3,
          withNullPrototype: false,
        }),
        (value) => {
          const once = redactJson(value as Record<string, string>)
          expect(redactJson(once)).toEqual(once)
        },
      ),
      { numRuns: 3_000 },
    )
  })
})
