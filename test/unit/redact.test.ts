import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  RAW_RESPONSE_LENGTH,
  redactEach,
  redactRawResponse,
  redactText,
  redactUpTo,
} from '../../src/connections/redact.ts'
import { redactJson } from '../../src/connections/redact-json.ts'

const SECRET = 'EAABsbCS1iHg0BAKZC9'

/** The beginnings and the middles of what each pattern looks for. */
const PIECES_OF_SECRETS = [
  'Authorization: ',
  'cookie=a=',
  'Bearer ',
  'basic%20',
  '"access_token":"',
  'API-KEY=',
  'x_api_key: ',
  '?code=',
  '123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0',
  SECRET,
  'IGQVabcdefghijklmnopqrstuvwxyz0123456789',
  'ya29.',
  'AQXabcdefghijklmnopqrstuvwxyz0123456789',
  'GOCSPX-',
  'AIza',
  'act.',
  'pina_',
  'eyJhbGciOiJIUzI1NiJ9.eyJz.',
  'clk_a_0',
] as const
const WORDS_AND_SIGNS = [
  'abcdefghijklmnopqrstuvwxyz0123456789',
  'word',
  ' ',
  '"',
  "'",
  '&',
  '=',
  ':',
  '%3D',
  'İ',
  'K',
  '\n',
]

describe('redaction', () => {
  it.each([
    [`Authorization: Bearer ${SECRET}`, 'Authorization: [redacted]'],
    [`bearer ${SECRET}==, next`, 'bearer [redacted], next'],
    [`{"access_token":"${SECRET}","expires_in":5183}`, '{"access_token":"[redacted]","expires_in":5183}'],
    [`{ "refresh_token" : "${SECRET}" }`, '{ "refresh_token" : "[redacted]" }'],
    [`"body":"{\\"client_secret\\":\\"${SECRET}\\"}"`, '"body":"{\\"client_secret\\":\\"[redacted]\\"}"'],
    [
      `POST /oauth?grant=x&client_secret=${SECRET}&code=1`,
      'POST /oauth?grant=x&client_secret=[redacted]&code=1',
    ],
    [`accessToken: ${SECRET}; more`, 'accessToken: [redacted]; more'],
    [`'password': 'two words ${SECRET}'`, "'password': '[redacted]'"],
    [`url%3Faccess_token%3D${SECRET}`, 'url%3Faccess_token%3D[redacted]'],
    ['Authorization: Token abcdef0123', 'Authorization: [redacted]'],
    ['{"headers":{"Cookie":"session=abc; b=c"},"n":1}', '{"headers":{"Cookie":"[redacted]"},"n":1}'],
    ['{"token":"abc","token_type":"bearer"}', '{"token":"[redacted]","token_type":"bearer"}'],
    ['app_password=hunter2&x=1', 'app_password=[redacted]&x=1'],
    ['{"x-api-key":"abc"}', '{"x-api-key":"[redacted]"}'],
    [
      'GET https://api.telegram.org/bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0/getMe',
      'GET https://api.telegram.org/bot[redacted]/getMe',
    ],
    ['/callback?code=AQBx7_n3Q&state=1', '/callback?code=[redacted]&state=1'],
    ['/callback?code=access_denied', '/callback?code=access_denied'],
    ['Instagram Basic Display API, basic permissions', 'Instagram Basic Display API, basic permissions'],
    ['Bearer authentication is required', 'Bearer authentication is required'],
    ['authorization: denied by user', 'authorization: denied by user'],
    ['Cookie: disabled in browser', 'Cookie: disabled in browser'],
    [
      'access_token: expired, id_token: signature mismatch',
      'access_token: expired, id_token: signature mismatch',
    ],
    ['X-Api-Key: 0123abcd', 'X-Api-Key: [redacted]'],
    [`Malformed access token ${SECRET}xyz`, 'Malformed access token [redacted]'],
    [String.raw`{"access_token":"abc\"EAAG","n":1}`, '{"access_token":"[redacted]","n":1}'],
    ['q=%22access_token%22%3A%22abc%22', 'q=%22access_token%22%3A%22[redacted]%22'],
    ['/bot123456789%3AAAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0/x', '/bot[redacted]/x'],
    ['/callback?error=x&code=190', '/callback?error=x&code=190'],
    [
      'Error validating access token: Session has expired on Friday',
      'Error validating access token: Session has expired on Friday',
    ],
    ['Invalid password: too short', 'Invalid password: too short'],
    ['id eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl end', 'id [redacted] end'],
    ['key clk_abcdefghij_0123456789', 'key [redacted]'],
    [
      '{"error":{"message":"Invalid OAuth access token.","code":190}}',
      '{"error":{"message":"Invalid OAuth access token.","code":190}}',
    ],
    ['The token expired', 'The token expired'],
  ])('%s', (text, expected) => {
    expect(redactText(text)).toBe(expected)
  })

  it('leaves no secret whatever stands around it, and never takes long', () => {
    const names = fc.constantFrom(
      'access_token',
      'refresh_token',
      'client_secret',
      'id_token',
      'clientSecret',
    )
    const quotes = fc.constantFrom('"', "'", '\\"', '')
    const around = fc.string({ maxLength: 40 })
    fc.assert(
      fc.property(names, quotes, around, around, (name, quote, before, after) => {
        const separator = quote === '' ? '=' : ':'
        const text = `${before} ${quote}${name}${quote}${separator}${quote}${SECRET}${quote} ${after}`
        const redacted = redactText(text)
        return !redacted.includes(SECRET) && redactText(redacted) === redacted
      }),
      { numRuns: 2_000 },
    )
    for (const hostile of [
      'access_token"'.repeat(20_000),
      `password${'\\'.repeat(100_000)}`,
      'Bearer '.repeat(30_000),
      'bearer+'.repeat(50_000),
      'a-'.repeat(200_000),
      `"${'token'.repeat(50_000)}`,
      'token:'.repeat(100_000),
      'token="'.repeat(50_000),
      `token${' '.repeat(100_000)}`,
      'cookie: "'.repeat(30_000),
      'cookie'.repeat(50_000),
      'authorization'.repeat(30_000),
      '?code='.repeat(50_000),
      '1'.repeat(200_000),
      'EAA'.repeat(100_000),
      'eyJ-'.repeat(100_000),
      '%22token'.repeat(50_000),
    ]) {
      expect(redactText(hostile).length).toBeGreaterThan(0)
    }
  })

  it('cuts a raw response only after it is redacted, and never inside a character', () => {
    const straddling = `${'x'.repeat(RAW_RESPONSE_LENGTH - 20)}access_token=${SECRET}`
    expect(redactRawResponse(straddling)).not.toContain(SECRET.slice(0, 4))
    expect(redactRawResponse('x'.repeat(2_000))).toBe('x'.repeat(2_000))
    expect(redactRawResponse('x'.repeat(2_001))).toBe('x'.repeat(2_000))
    expect(redactRawResponse(`${'x'.repeat(1_999)}🙂`)).toBe('x'.repeat(1_999))
  })

  it('cuts a text that is longer for it, and changes nothing when it comes back', () => {
    expect(redactUpTo('token=a&token=a', 20)).toBe('token=[redacted]&tok')
    const pieces = fc.constantFrom(
      'access_token=x&',
      `Authorization: Bearer ${SECRET} `,
      `{"client_secret":"${SECRET}"}`,
      'Set-Cookie: a=b; c=d\n',
      `/callback?code=${SECRET}&`,
      '%22token%22%3A%22abc%22',
      'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln ',
      `id_token: ${SECRET}; `,
      "'password': 'two words ",
      '🙂 plain words, ',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), fc.nat({ max: 150 }), (parts, length) => {
        const once = redactUpTo(parts.join(''), length)
        return once.length <= length && redactUpTo(once, length) === once
      }),
      { numRuns: 5_000 },
    )
  })

  it('takes what stands under a key that names a secret out of JSON, however deep', () => {
    expect(
      redactJson({
        a: [
          { access_token: 'x', ok: 1 },
          { userAccessToken: 1, 'x-api-key': { a: 1 }, hasToken: true, tokenExpiresAt: 'y' },
        ],
        Authorization: 'x',
        client_secret: null,
        note: `id_token=${SECRET}`,
      }),
    ).toEqual({
      a: [
        { access_token: '[redacted]', ok: 1 },
        { userAccessToken: '[redacted]', 'x-api-key': '[redacted]', hasToken: true, tokenExpiresAt: 'y' },
      ],
      Authorization: '[redacted]',
      client_secret: null,
      note: 'id_token=[redacted]',
    })
  })

  it('looks for no pattern in vain: what is passed over holds nothing that would have been found', () => {
    const parts = fc.constantFrom(...PIECES_OF_SECRETS, ...WORDS_AND_SIGNS)
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 8 }), (chosen) => {
        const text = chosen.join('')
        expect(redactText(text)).toBe(redactEach(text))
      }),
      { numRuns: 5_000 },
    )
  })
})
