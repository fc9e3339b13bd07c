import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { ROOT, install, output, serveIn } from './installed.ts'

const NODES = join(ROOT, 'node_modules/.cache/nodes')

const EVENT = {
  eventId: 'e1',
  userId: 'ada',
  platform: 'tiktok',
  eventType: 'connect_failed',
  connectionMethod: 'oauth',
  error: { code: 'oauth_denied', message: 'She said no.' },
}

let app: string
let packed: string[]

beforeAll(() => {
  app = install(inject('tarball'))
  packed = output(app, {}, 'tar', 'tzf', inject('tarball')).trim().split('\n')
})

afterAll(() => rmSync(app, { recursive: true, force: true }))

describe('the packed package', () => {
  it('has what was built, the migrations, the schema and the pages, and nothing else', () => {
    const outside = packed
      .filter((path) => !/^package\/(dist|docs|prisma\/\w+\/migrations)\//.test(path))
      .sort()
    expect(outside).toEqual([
      'package/CHANGELOG.md',
      'package/LICENSE',
      'package/README.md',
      'package/package.json',
      'package/schema.graphql',
    ])
    expect(packed.filter((path) => /\.(map|test\.\w+)$/.test(path))).toEqual([])
    expect(packed.filter((path) => /^package\/dist\/.*(?<!\.js|\.d\.ts)$/.test(path))).toEqual([])
    // Pages as text and what they draw; pictures of pages stay behind.
    expect(packed.filter((path) => /^package\/docs\/.*(?<!\.md|\.svg)$/.test(path))).toEqual([])
  })

  it('has nothing of what an earlier build has left', () => {
    expect(packed).not.toContain('package/dist/gone.js')
    expect(packed).toContain('package/dist/main.js')
  })

  it('brings no Prisma CLI and no engine', () => {
    const modules = join(app, 'node_modules')
    const unwanted = ['prisma', '@prisma/engines', '@prisma/schema-engine-wasm', '@prisma/streams-local']
    expect(unwanted.filter((name) => existsSync(join(modules, name)))).toEqual([])
  })

  it('resolves connlog/schema.graphql', () => {
    const script = "console.log(import.meta.resolve('connlog/schema.graphql').split('/').slice(-2).join('/'))"
    expect(output(app, {}, process.execPath, '--input-type=module', '-e', script)).toBe(
      'connlog/schema.graphql\n',
    )
  })
})

describe.each(['20', '22', '24'])('on Node %s', (version) => {
  const home = join(NODES, version)
  // The binary alone; the package `node` fetches the same one by an install script.
  const binary = `node-${process.platform}-${process.arch}`
  const bin = join(home, 'node_modules', binary, 'bin')
  let env: Record<string, string>

  beforeAll(() => {
    if (!existsSync(join(bin, 'node'))) {
      mkdirSync(home, { recursive: true })
      writeFileSync(join(home, 'package.json'), '{"private":true}')
      output(home, {}, 'npm', 'install', '--silent', `${binary}@${version}`)
    }
    env = {
      PATH: [bin, process.env['PATH']].join(delimiter),
      DATABASE_URL: `file:${join(app, `node-${version}.db`)}`,
      NODE_ENV: 'production',
      PORT: '0',
    }
  })

  it('is required by a CommonJS program', () => {
    const script = "console.log(typeof require('connlog').createConnlog)"
    expect(output(app, env, 'node', '--input-type=commonjs', '-e', script)).toBe('function\n')
  })

  it('serves, records, answers and passes its own examination', async () => {
    const connlog = join(app, 'node_modules/.bin/connlog')
    expect(output(app, env, 'node', '--version')).toMatch(new RegExp(`^v${version}\\.`))
    expect(output(app, env, connlog, 'migrate')).toContain('Applied 0001_logs_and_keys.')
    const key = output(
      app,
      env,
      connlog,
      'keys',
      'create',
      '--service',
      '--scopes',
      'logs:read,logs:write',
    ).trim()

    const service = await serveIn(app, env)
    try {
      const { url, printed } = service
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      const logs = `${url}/api/v1/connections/logs`
      const sent = await fetch(logs, { method: 'POST', headers, body: JSON.stringify(EVENT) })
      expect(sent.status).toBe(200)
      const query = '{ connectionLogs { pagination { total } logs { platform error { code } } } }'
      const asked = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ query }),
      })
      expect(await asked.json(), printed()).toEqual({
        data: {
          connectionLogs: {
            pagination: { total: 1 },
            logs: [{ platform: 'TIKTOK', error: { code: 'oauth_denied' } }],
          },
        },
      })
      expect(output(app, env, connlog, 'doctor')).not.toBe('')
    } finally {
      await service.stop()
    }
  })
})
