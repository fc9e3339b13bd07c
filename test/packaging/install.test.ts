import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
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

/** What a command printed, run in this folder with nothing of our own environment but where programs and the home are. */
function output(folder: string, env: Record<string, string>, file: string, ...args: string[]): string {
  const { PATH = '', HOME = '' } = process.env
  return execFileSync(file, args, {
    cwd: folder,
    env: { PATH, HOME, ...env },
    encoding: 'utf8',
    stdio: 'pipe',
  })
}

beforeAll(() => {
  app = mkdtempSync(join(tmpdir(), 'connlog-installed-'))
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
  output(ROOT, {}, 'npm', 'pack', '--silent', '--pack-destination', app)
  const version = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string })
    .version
  packed = output(app, {}, 'tar', 'tzf', `connlog-${version}.tgz`).trim().split('\n')
  output(app, {}, 'npm', 'install', '--silent', '--ignore-scripts', `./connlog-${version}.tgz`)
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

    const service = spawn('npx', ['connlog', 'serve'], {
      cwd: app,
      env: { ...process.env, ...env },
      detached: true,
    })
    const exited = once(service, 'exit')
    try {
      const url = await addressOf(service)
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
      if (service.pid !== undefined) process.kill(-service.pid, 'SIGTERM')
      await exited
    }
  })
})

/** Where the service says that it listens. */
async function addressOf(service: ReturnType<typeof spawn>): Promise<string> {
  let printed = ''
  for (const stream of [service.stdout, service.stderr])
    stream?.on('data', (chunk: Buffer) => void (printed += chunk.toString()))
  for (;;) {
    const found = /http:\/\/[\d.]+:\d+/.exec(printed)?.[0]
    if (found !== undefined) return found
    if (service.exitCode !== null || service.stdout === null) throw new Error(`It did not serve:\n${printed}`)
    await Promise.race([once(service.stdout, 'data'), once(service.stderr!, 'data'), once(service, 'exit')])
  }
}
