import { describe, expect, it } from 'vitest'
import { redactJson } from '../../src/connections/redact-json.ts'
import { redactText } from '../../src/connections/redact.ts'
import { PLATFORM_MESSAGES } from '../support/platform-messages.ts'

describe('messages without secrets', () => {
  it.each(PLATFORM_MESSAGES)('%s', (text) => {
    expect(redactText(text)).toBe(text)
    expect(redactText(JSON.stringify({ body: text }))).toBe(JSON.stringify({ body: text }))
    expect(redactText(`${text}\n${text}`)).toBe(`${text}\n${text}`)
    expect(redactJson({ text })).toEqual({ text })
  })

  it('stay what they are as parts of metadata too', () => {
    const metadata = {
      code: 'OAuthException',
      error: { code: 190, type: 'OAuthException', error_subcode: 463, fbtrace_id: 'AXj3kLm9PqRsTuVwXyZ0aBc' },
      token_type: 'bearer',
      expires_in: 5184000,
      max_tokens: 4096,
      hasToken: true,
      refresh_token: null,
      password: 'required',
      errors: { access_token: ['is invalid'] },
      tokenExpiresAt: '2026-12-01T00:00:00Z',
      requestId: '550e8400-e29b-41d4-a716-446655440000',
      accountId: '17841405822304914',
      fields: ['access_token', 'client_id_2', 'code'],
    }
    expect(redactJson(metadata)).toEqual(metadata)
  })
})
