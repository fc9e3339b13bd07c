import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { adapt } from '../../src/cli/intake/adapt.ts'
import { contentOf } from '../../src/connections/content.ts'
import { PLATFORMS } from '../../src/connections/event.ts'
import { parseJson } from '../../src/kernel/parse-json.ts'
import { nastyLogs } from '../support/nasty-logs.ts'
import { recordInputs } from '../support/random-logs.ts'

const NOW = Date.UTC(2026, 10, 20, 12)

const LOG = {
  _id: 'late-1',
  platform: 'reddit',
  eventType: 'connect_failed',
  connectionMethod: 'oauth',
  createdAt: '2026-11-20T12:00:00.000Z',
}
const present = (value: object): object =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined))

/** What a log becomes, and what of it is left out. Fields are JSON, so that numbers may have any digits. */
function adapted(fields: string) {
  const result = adapt({ ...LOG, ...(parseJson(fields) as object) }, PLATFORMS)
  if (result.is !== 'log') return result
  const { platform, eventType, connectionMethod, createdAt, _id, ...rest } = present(result.value) as Record<
    string,
    unknown
  >
  expect({ platform, eventType, connectionMethod }).toEqual({
    platform: 'reddit',
    eventType: 'connect_failed',
    connectionMethod: 'oauth',
  })
  return {
    ...(_id === 'late-1' ? {} : { _id }),
    ...(createdAt === LOG.createdAt ? {} : { createdAt }),
    ...rest,
    skipped: result.skipped,
  }
}

describe('a log of another server', () => {
  it.each<[string, object]>([
    ['{"updatedAt":"2026","__v":0,"isDeleted":null}', { skipped: ['updatedAt', '__v'] }],
    ['{"status":"FAILED","__typename":"ConnectionLog"}', { skipped: [] }],
    ['{"platform":"REDDIT","eventType":"CONNECT_FAILED","connectionMethod":"OAUTH"}', { skipped: [] }],
    // Ids.
    [
      '{"userId":42,"accountId":17841405793187218345}',
      { userId: '42', accountId: '17841405793187218345', skipped: [] },
    ],
    ['{"_id":{"$oid":"675f1c0a9e2b5af0012ab34c"}}', { _id: '675f1c0a9e2b5af0012ab34c', skipped: [] }],
    ['{"_id":null,"id":"gid-1"}', { _id: 'gid-1', skipped: [] }],
    ['{"profileId":{"_id":"p1","name":"Home"}}', { profileId: 'p1', skipped: [] }],
    ['{"profileId":"","accountId":[1]}', { skipped: ['accountId'] }],
    // Instants.
    ['{"createdAt":"2026-11-20T12:00:00+0000"}', { createdAt: '2026-11-20T12:00:00+00:00', skipped: [] }],
    [
      '{"createdAt":{"$date":"2026-11-20T12:00:00.5Z"}}',
      { createdAt: '2026-11-20T12:00:00.5Z', skipped: [] },
    ],
    ['{"createdAt":{"$date":{"$numberLong":"1795176000000"}}}', { skipped: [] }],
    ['{"createdAt":1795176000000}', { skipped: [] }],
    // Durations.
    ['{"durationMs":12.5}', { durationMs: 13, skipped: [] }],
    ['{"durationMs":"812"}', { durationMs: 812, skipped: [] }],
    ['{"durationMs":-1}', { skipped: ['durationMs'] }],
    ['{"durationMs":99999999999999999999}', { skipped: ['durationMs'] }],
    // What a platform said.
    [
      '{"error":{"code":190,"message":"m","type":"x"}}',
      { error: { code: '190', message: 'm' }, skipped: ['error.type'] },
    ],
    ['{"error":"denied"}', { error: { message: 'denied' }, skipped: [] }],
    [
      '{"error":{"rawResponse":{"error":{"code":190}}}}',
      { error: { rawResponse: '{"error":{"code":190}}' }, skipped: [] },
    ],
    ['{"error":[1]}', { skipped: ['error'] }],
    [
      '{"success":{"permissions":"email, openid profile"}}',
      { success: { permissions: ['email', 'openid', 'profile'] }, skipped: [] },
    ],
    [
      '{"success":{"permissions":[{"scope":"a"}],"username":7}}',
      { success: { username: '7' }, skipped: ['success.permissions'] },
    ],
    [
      '{"success":{"tokenExpiresAt":"never","accountType":"business"}}',
      { success: { accountType: 'business' }, skipped: ['success.tokenExpiresAt'] },
    ],
    // Context; its tokens are never stored, so they are not missed.
    [
      '{"context":{"isBYOK":true,"isWhiteLabel":true,"connectToken":"s3cret","invitationToken":5}}',
      { context: { isBYOK: true }, skipped: ['context.isWhiteLabel'] },
    ],
    ['{"context":{"isBYOK":"yes"}}', { context: {}, skipped: ['context.isBYOK'] }],
    // Metadata.
    ['{"metadata":{"ig":17841405793187218345}}', { metadata: { ig: '17841405793187218345' }, skipped: [] }],
    ['{"metadata":"text"}', { skipped: ['metadata'] }],
    [`{"metadata":{"long":"${'x'.repeat(17_000)}"}}`, { skipped: ['metadata'] }],
    [`{"metadata":${'{"a":'.repeat(20)}1${'}'.repeat(20)}}`, { skipped: ['metadata'] }],
  ])('with %s', (fields, expected) => {
    expect(adapted(fields)).toEqual(expected)
  })

  it('keeps texts up to their limits, without half a character', () => {
    const result = adapt(
      {
        ...LOG,
        success: {
          displayName: `${'x'.repeat(511)}🙂`,
          username: 'u'.repeat(300),
          profilePicture: 'p'.repeat(2_049),
          accountType: 't'.repeat(65),
        },
      },
      PLATFORMS,
    )
    expect(result).toMatchObject({
      value: {
        success: { displayName: 'x'.repeat(511), username: 'u'.repeat(256), accountType: 't'.repeat(64) },
      },
      skipped: ['success.profilePicture'],
    })
  })

  it.each<[string, string]>([
    ['{"platform":null}', 'Expected `platform` to be text, got nothing.'],
    [
      '{"eventType":"connected"}',
      'Expected `eventType` to be one of connect_success, connect_failed, disconnect, reconnect_success, reconnect_failed, got "connected".',
    ],
    [
      '{"connectionMethod":null}',
      'Expected `connectionMethod` to be one of oauth, credentials, invitation, got nothing.',
    ],
    [
      '{"createdAt":null}',
      'Expected `createdAt` to be an instant with its offset as in RFC 3339, such as 2026-01-31T12:00:00Z, got nothing.',
    ],
    [
      '{"createdAt":1795176000}',
      'Expected `createdAt` to be an instant with its offset as in RFC 3339, such as 2026-01-31T12:00:00Z, got 1795176000.',
    ],
    [
      '{"createdAt":"2026-11-20 12:00:00"}',
      'Expected `createdAt` to be an instant with its offset as in RFC 3339, such as 2026-01-31T12:00:00Z, got "2026-11-20 12:00:00".',
    ],
    ['{"userId":{"name":"x"}}', 'Expected `userId` to be an id of at most 128 characters, got '],
  ])('cannot be used with %s', (fields, error) => {
    expect(adapted(fields)).toEqual({
      is: 'unusable',
      id: 'late-1',
      error: expect.stringContaining(error) as string,
    })
  })

  it('comes out as it is where connlog itself wrote it', () => {
    const log = fc.oneof(nastyLogs(NOW), recordInputs(NOW))
    fc.assert(
      fc.property(log, fc.uuid(), (fields, eventId) => {
        const written = JSON.parse(JSON.stringify({ ...fields, _id: 'late-1', eventId })) as Record<
          string,
          unknown
        >
        const result = adapt(written, PLATFORMS)
        // Numbers that JavaScript rounds, and empty ids, are never stored.
        fc.pre(result.is === 'log' && !result.skipped.includes('metadata'))
        expect(contentOf(present((result as { value: object }).value))).toEqual(contentOf(written))
        expect(result).toMatchObject({ skipped: [] })
      }),
      { numRuns: 500 },
    )
  })

  it('names its platform where that is not known', () => {
    expect(adapted('{"platform":"mastodon"}')).toEqual({
      is: 'unknown platform',
      id: 'late-1',
      platform: 'mastodon',
    })
    expect(adapt({ ...LOG, platform: 'mastodon' }, [...PLATFORMS, 'mastodon']).is).toBe('log')
  })
})
