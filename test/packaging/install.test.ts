import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT, installPacked, output, serveIn } from './installed.ts'

const NODES = join(ROOT, 'node_modules/.cache/nodes')
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc')

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
  const installed = installPacked()
  app = installed.folder
  packed = output(app, {}, 'tar', 'tzf', installed.tarball).trim().split('\n')
})

afterAll(() => rmSync(app, { recursive: true, force: true }))

describe('the packed package', () => {
  it('has what was built, the migrations and the schema, and nothing else', () => {
    const outside = packed.filter((path) => !/^package\/(dist|prisma\/\w+\/migrations)\//.test(path)).sort()
    expect(outside).toEqual([
      'package/CHANGELOG.md',
      'package/LICENSE',
      'package/README.md',
      'package/package.json',
      'package/schema.graphql',
    ])
    expect(packed.filter((path) => /\.(map|test\.\w+)$/.test(path))).toEqual([])
  })

  it('brings no Prisma CLI and no engine', () => {
    const modules = join(app, 'node_modules')
    const unwanted = ['prisma', '@prisma/engines', '@prisma/schema-engine-wasm', '@prisma/streams-local']
    expect(unwanted.filter((name) => existsSync(join(modules, name)))).toEqual([])
  })

  it.each([
    { module: 'nodenext', moduleResolution: 'nodenext' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ])('has types for a consumer under $moduleResolution', ({ module, moduleResolution }) => {
    const types = join(ROOT, 'node_modules/@types')
    writeFileSync(
      join(app, 'use.ts'),
      "import { createConnlog } from 'connlog'\nexport const make: typeof createConnlog = createConnlog\n" +
        "// @ts-expect-error no such thing is exported\nimport { nothing } from 'connlog'\nexport { nothing }\n",
    )
    const compilerOptions = { module, moduleResolution, target: 'es2023', strict: true, noEmit: true }
    writeFileSync(
      join(app, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: { ...compilerOptions, skipLibCheck: true, types: ['node'], typeRoots: [types] },
        files: ['use.ts'],
      }),
    )
    expect(output(app, {}, process.execPath, TSC, '-p', '.')).toBe('')
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
      const { url } = service
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
      expect(await asked.json()).toEqual({
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
