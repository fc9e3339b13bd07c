import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redactEach, redactRawResponse, redactText, redactUpTo } from '../../src/connections/redact.ts'
import { NOTATIONS } from '../support/secret-notations.ts'

const NAMES = [
  'access_token',
  'refreshToken',
  'RefreshToken',
  'client_secret',
  'password',
  'x-api-key',
  'secretKey',
  'private_key',
  'accessToken2',
  'tokenValue',
  'access_tokens',
  'passwords',
  'credentials',
  'pwd',
  'sessionId',
  'refreshJwt',
  'authorization',
  'authorization_code',
  'cookies',
  'set-cookie',
]
const SECRETS = ['EAABsbCS1iHg0BAKZC9', 'q7Zk3mP0', '1//0gAbCdEfGhIj-klm', '4/0AX4XfWh_x9y8', 'hunter2x9']
const valueOf = (name: string, secret: string) => (name.includes('cookie') ? `sid=${secret}` : secret)

const holds = (text: string, secret: string) =>
  text.includes(secret) || text.includes(encodeURIComponent(secret))

const pieces = fc
  .record({
    write: fc.constantFrom(...Object.values(NOTATIONS)),
    name: fc.constantFrom(...NAMES, 'code', 'note'),
    secret: fc.oneof(
      fc.constantFrom(...SECRETS, 'expired', 'word', '190', '[redacted]'),
      fc.string({ maxLength: 12 }),
    ),
  })
  .map(({ write, name, secret }) => write(name, valueOf(name, secret)))
/** Texts cut out of such texts and put together anew: quotes that nothing closes, names without values. */
const splices = fc
  .array(
    fc.tuple(pieces, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
    {
      minLength: 1,
      maxLength: 5,
    },
  )
  .map((parts) =>
    parts
      .map(([text, a, b]) =>
        text.slice(Math.floor(Math.min(a, b) * text.length), Math.ceil(Math.max(a, b) * text.length)),
      )
      .join(''),
  )

describe('redaction by notation', () => {
  it.each(Object.entries(NOTATIONS))('finds secrets by their names in %s', (_, write) => {
    for (const name of NAMES)
      for (const secret of SECRETS) {
        const text = write(name, valueOf(name, secret))
        const redacted = redactText(text)
        expect(holds(redacted, secret), redacted).toBe(false)
        expect(redacted).toContain('[redacted]')
        expect(redactText(redacted)).toBe(redacted)
      }
  })

  it.each([
    ['code=4%2F0AX4XfWh&client_id=1', 'code=[redacted]&client_id=1'],
    ['{"data":"code=AQBx7_n3Q9&client_id=1"}', '{"data":"code=[redacted]&client_id=1"}'],
    ['{"code":"SplxlOBeZQQYbYS6WxSbIA","state":"b3"}', '{"code":"[redacted]","state":"b3"}'],
    ["{ code: 'SplxlOBeZQQYbYS6WxSbIA' }", "{ code: '[redacted]' }"],
    [
      '&{AccessToken:ya29.a0AfB_byC TokenType:Bearer RefreshToken:1//0gAbCdEf Expiry:2026-12-01}',
      '&{AccessToken:[redacted] TokenType:Bearer RefreshToken:[redacted] Expiry:2026-12-01}',
    ],
    ['{"set-cookie":["sid=abc123; Path=/"],"n":1}', '{"set-cookie":[redacted],"n":1}'],
    [
      'Authorization: Digest username="u", realm="r", response="6629fae49393a05397450978507c4ef1"\nHost: x',
      'Authorization: [redacted]\nHost: x',
    ],
    [
      'Authorization: OAuth oauth_consumer_key="k", oauth_token="t"\r\nA: b',
      'Authorization: [redacted]\r\nA: b',
    ],
    ['Cookie: sid="abc"; theme=dark\r\nA: b', 'Cookie: [redacted]\r\nA: b'],
    ['tokens: abc123, def456; n: 1', 'tokens: [redacted], [redacted]; n: 1'],
    [
      '{"error":{"message":"x"},"client_secret": 7312894}',
      '{"error":{"message":"x"},"client_secret": [redacted]}',
    ],
    ['the session token 8f14e45fceea167a5a36dedd4bea2543 is gone', 'the session token [redacted] is gone'],
    ['password = hunter', 'password = [redacted]'],
    ['{"password":"correct horse \\"battery\\" staple"}', '{"password":"[redacted]"}'],
    [
      JSON.stringify({ a: JSON.stringify({ password: 'x "quoted" y\\' }), n: 1 }),
      '{"a":"{\\"password\\":\\"[redacted]\\"}","n":1}',
    ],
    [
      'https://x.s3.amazonaws.com/k?X-Amz-Signature=0a1b2c&X-Amz-Date=2026',
      'https://x.s3.amazonaws.com/k?X-Amz-Signature=[redacted]&X-Amz-Date=2026',
    ],
  ])('%s', (text, expected) => {
    expect(redactText(text)).toBe(expected)
    expect(redactText(expected)).toBe(expected)
  })

  it('changes nothing when it is applied again, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(splices, fc.string({ maxLength: 60 })), (text) => {
        const once = redactText(text)
        expect(redactText(once)).toBe(once)
        expect(redactEach(text)).toBe(once)
      }),
      { numRuns: 3_000 },
    )
  })

  it('changes nothing when a text that was cut comes back, wherever it was cut', () => {
    fc.assert(
      fc.property(splices, fc.nat({ max: 120 }), (text, length) => {
        const once = redactUpTo(text, length)
        expect(once.length).toBeLessThanOrEqual(length)
        expect(redactUpTo(once, length)).toBe(once)
        expect(redactText(once)).toBe(once)
      }),
      { numRuns: 3_000 },
    )
  })

  it('keeps no part of a secret that is cut, not even where most of the text before it goes', () => {
    for (const write of Object.values(NOTATIONS))
      for (let length = 1; length < 60; length += 7) {
        const kept = redactUpTo(write('access_token', 'EAABsbCS1iHg0BAKZC9'), length)
        expect(kept).not.toContain('EAA')
      }
    const long = `{"password":"${'x'.repeat(65_400)}","note":"${'EAABsbCS1iHg0BAKZC9'.repeat(30)}"}`
    expect(redactRawResponse(long)).not.toContain('EAA')
  })

  it('is not made to give a text up by what people write', () => {
    fc.assert(
      fc.property(splices, (text) => redactText(`plain words, ${text}`).startsWith('plain words, ')),
      { numRuns: 5_000 },
    )
  })
})
