import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ConfigError, parseConfig } from '../../src/config/config.ts'
import { settingsTable } from '../../src/config/describe.ts'

function problems(env: Record<string, string>): readonly string[] {
  try {
    parseConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('settings', () => {
  it('have the documented defaults', () => {
    expect(parseConfig({})).toEqual({
      databaseUrl: 'file:./data/connlog.db',
      port: 4000,
      host: '127.0.0.1',
      retentionDays: undefined,
      extraPlatforms: [],
      rateLimitPerMinute: 1200,
      badKeysPerMinute: 120,
      trustedProxies: 0,
      basePath: '',
      compression: true,
      logLevel: 'info',
      graphiql: true,
      introspection: true,
      demo: true,
      cleanupIntervalMs: 60_000,
      poolSize: 10,
      maxBodyBytes: 4_194_304,
      maxResponseBytes: 16_777_216,
      streams: 1_000,
      streamsPerKey: 100,
      sqliteReaders: 4,
      userSharePercent: 25,
      streamHeartbeatMs: 15_000,
      requestTimeoutMs: 15_000,
      slowRequestMs: 1_000,
      metrics: true,
      metricsToken: undefined,
      maxConcurrentRequests: 256,
      maxQueueMs: 1_000,
      maxUnreadBytes: 134_217_728,
      keepAliveMs: 75_000,
      shutdownDelayMs: 0,
      maxQueryCost: 20_000,
      maxQueryTokens: 4_000,
      corsOrigins: [],
      persistedOperations: undefined,
      persistedOperationsOnly: false,
    })
    expect(parseConfig({ PORT: '', NODE_ENV: '' })).toEqual(parseConfig({}))
  })

  it('turn GraphiQL, introspection and the demo off in production, unless told otherwise', () => {
    const { graphiql, introspection, demo } = parseConfig({ NODE_ENV: 'production', INTROSPECTION: 'true' })
    expect({ graphiql, introspection, demo }).toEqual({ graphiql: false, introspection: true, demo: false })
  })

  it('are all checked: every wrong one is reported at once, with what was expected and never a password', () => {
    expect(
      problems({
        DATABASE_URL: 'mysql://me:can@ary@host/db?password=canary',
        PORT: '70000',
        RETENTION_DAYS: '0',
        RATE_LIMIT_PER_MINUTE: '-1',
        TRUSTED_PROXIES: '10.0.0.0/8',
        LOG_LEVEL: 'loud',
        GRAPHIQL: 'yes',
        HOST: 'a b',
        METRICS_TOKEN: 'canary',
      }),
    ).toEqual([
      'Expected `DATABASE_URL` to be file:PATH for SQLite or postgres://USER:PASSWORD@HOST:PORT/DATABASE for Postgres, got 42 characters, beginning with "mysql:".',
      'Expected `PORT` to be a whole number from 0 to 65535, got "70000".',
      'Expected `HOST` to be a host name or an address, got "a b".',
      'Expected `RETENTION_DAYS` to be a whole number from 1 to 365, got "0".',
      'Expected `RATE_LIMIT_PER_MINUTE` to be a whole number from 0 to 1000000, got "-1".',
      'Expected `TRUSTED_PROXIES` to be a whole number from 0 to 10, got "10.0.0.0/8".',
      'Expected `LOG_LEVEL` to be silent, error, warn, info, debug, got "loud".',
      'Expected `GRAPHIQL` to be true or false, got "yes".',
      'Expected `METRICS_TOKEN` to be 16 to 256 characters without spaces, got something else.',
    ])
  })

  it('take a list of origins as browsers write them, and nothing that is not one', () => {
    const { corsOrigins } = parseConfig({
      CORS_ORIGINS: ' https://a.example, http://localhost:3000 ,https://a.example,',
    })
    expect(corsOrigins).toEqual(['https://a.example', 'http://localhost:3000'])
    for (const wrong of [
      '*',
      'null',
      'a.example',
      'https://a.example/',
      'https://a.example/path',
      'https://A.example',
      'https://a.example:443',
      'https://u:p@a.example',
      'ftp://a.example',
      'https://a.example;https://b.example',
      'https://*.example',
    ]) {
      const text = `https://b.example,${wrong}`
      const isShown = text.length <= 40 && !text.includes('@')
      const shown = isShown ? `"${text}"` : `text of ${text.length} characters`
      expect(problems({ CORS_ORIGINS: text })).toEqual([
        `Expected \`CORS_ORIGINS\` to be origins such as https://app.example.com, parted by commas, got ${shown}.`,
      ])
    }
  })

  it('take names of platforms that GraphQL can have in upper case, and nothing else', () => {
    const { extraPlatforms } = parseConfig({ EXTRA_PLATFORMS: ' mastodon, truth_social,,mastodon,v2' })
    expect(extraPlatforms).toEqual(['mastodon', 'truth_social', 'v2'])
    const many = Array.from({ length: 51 }, (_, index) => `p${index}`).join(',')
    for (const wrong of [
      'Mastodon',
      'my-space',
      '2chan',
      '_x',
      'vk;ok',
      'all',
      'ïnsta',
      'x'.repeat(33),
      many,
    ]) {
      expect(problems({ EXTRA_PLATFORMS: `vk,${wrong}`, PORT: 'x' })).toEqual([
        'Expected `PORT` to be a whole number from 0 to 65535, got "x".',
        expect.stringMatching(/^Expected `EXTRA_PLATFORMS` to be at most 50 names such as mastodon,vk: /),
      ])
    }
  })

  it('want a list of operations where nothing else is answered', () => {
    expect(problems({ PERSISTED_OPERATIONS_ONLY: 'true' })).toEqual([
      'Expected `PERSISTED_OPERATIONS` to name a file, since `PERSISTED_OPERATIONS_ONLY` is true.',
    ])
    expect(problems({ PERSISTED_OPERATIONS_ONLY: 'false' })).toEqual([])
  })

  it('are in docs/settings.md as they are in the code', () => {
    const docs = readFileSync(new URL('../../docs/settings.md', import.meta.url), 'utf8')
    expect(docs, `docs/settings.md is out of date; replace its table by:\n${settingsTable()}`).toContain(
      settingsTable(),
    )
  })
})
