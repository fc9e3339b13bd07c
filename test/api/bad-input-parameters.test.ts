import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EVENT_TYPES, PLATFORMS } from '../../src/connections/event.ts'
import { LOGS, type World, assertClean, get, startWorld } from '../support/bad-input-doors.ts'
import { PROVIDERS } from '../support/databases.ts'

describe.each(PROVIDERS)('a wrong parameter of the REST side on %s', (provider) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld(provider)
  })
  afterAll(async () => world.stop())

  const refused = async (query: string, sentence: string) => {
    const { status, text } = await get(world, `${LOGS}?${query}`)
    assertClean(text)
    expect([status, text]).toEqual([400, JSON.stringify({ error: sentence })])
  }

  const wrongNumbers = [
    '-1',
    '1.5',
    '1e2',
    ' 5',
    '+5',
    '5 ',
    '0x5',
    '٥',
    'abc',
    '',
    'null',
    '2147483648',
    '99999999999',
    '\u0000',
  ]
  it.each([
    ...wrongNumbers.flatMap((text) => [
      ['days', text],
      ['limit', text],
      ['skip', text],
    ]),
    ['days', '0'],
    ['days', '8'],
    ['limit', '0'],
    ['limit', '101'],
  ] as [string, string][])('%s=%j', async (name, text) => {
    const range = { days: '1 to 7', limit: '1 to 100', skip: '0 to 2147483647' }[name]
    await refused(
      `${name}=${encodeURIComponent(text)}`,
      `Expected \`${name}\` to be a whole number from ${range}, got ${JSON.stringify(text)}.`,
    )
  })

  const WORDS: Record<string, readonly string[]> = {
    platform: PLATFORMS,
    eventType: EVENT_TYPES,
    status: ['success', 'failed'],
  }
  it.each(
    Object.keys(WORDS).flatMap((name) =>
      [
        'myspace',
        'Success',
        'INSTAGRAM',
        'ALL',
        '',
        ' all',
        'all,all',
        'disconnected',
        '\u0000',
        '__proto__',
      ].map((text) => [name, text] as const),
    ),
  )('%s=%j', async (name, text) => {
    await refused(
      `${name}=${encodeURIComponent(text)}`,
      `Expected \`${name}\` to be one of ${WORDS[name]?.join(', ')}, all, got ${JSON.stringify(text)}.`,
    )
  })

  it.each(['days', 'limit', 'skip', 'platform', 'eventType', 'status'])('%s given twice', async (name) => {
    await refused(`${name}=1&${name}=2`, `Expected \`${name}\` to be given once, got a list of 2.`)
  })

  it.each(['userId', 'page', 'Limit', 'limit[]', '__proto__', 'constructor', '', '\u0000'])(
    'the unknown parameter %j',
    async (name) => {
      await refused(
        `limit=5&${encodeURIComponent(name)}=1`,
        `Expected parameters among platform, eventType, status, days, limit, skip, got the unknown parameter ${JSON.stringify(name)}.`,
      )
    },
  )

  it('bytes that are not UTF-8, and a value of ten thousand characters', async () => {
    const words = `${PLATFORMS.join(', ')}, all`
    await refused('platform=%ff', `Expected \`platform\` to be one of ${words}, got "\ufffd".`)
    await refused(
      `platform=${'x'.repeat(10_000)}`,
      `Expected \`platform\` to be one of ${words}, got text of 10000 characters.`,
    )
  })

  it('what is as far as it may go is answered', async () => {
    for (const query of [
      'days=1&limit=1&skip=0',
      'days=7&limit=100&skip=2147483647',
      'platform=all&status=all&eventType=all',
    ])
      expect((await get(world, `${LOGS}?${query}`)).status).toBe(200)
  })
})
