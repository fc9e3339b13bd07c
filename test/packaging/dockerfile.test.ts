import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { type Copy, DockerfileParser } from 'dockerfile-ast'
import dockerignore from '@balena/dockerignore'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ROOT, output } from './installed.ts'

/** The user `node` of the images of Node. */
const NODE_UID = 1000
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8')

/** What a stage leaves behind; `root` stands for its `/`. */
interface Stage {
  readonly root: string
  readonly env: Record<string, string>
  readonly said: Map<string, string>
  folder: string
}

const ignored = dockerignore.default().add(read('.dockerignore'))

/** Replays the Dockerfile, with the node of this machine and temporary folders for the roots of its stages. */
function replay(top: string): Stage {
  const stages = new Map<string, Stage>()
  let stage: Stage | undefined
  for (const instruction of DockerfileParser.parse(read('Dockerfile')).getInstructions()) {
    const keyword = instruction.getKeyword()
    const text = instruction.getArgumentsContent() ?? ''
    if (keyword === 'FROM') {
      const [, name = 'last'] = / AS (\w+)$/.exec(text) ?? []
      const root = join(top, name)
      mkdirSync(root, { recursive: true })
      stage = { root, env: {}, said: new Map(), folder: root }
      stages.set(name, stage)
      continue
    }
    const here = stage!
    const within = (path: string) =>
      path.startsWith('/') ? join(here.root, path) : resolve(here.folder, path)
    if (keyword === 'WORKDIR') mkdirSync((here.folder = within(text)), { recursive: true })
    else if (keyword === 'ENV')
      for (const pair of text.split(' ')) here.env[pair.split('=', 1)[0]!] = pair.slice(pair.indexOf('=') + 1)
    else if (keyword === 'COPY') {
      const words = text.split(' ')
      const name = (instruction as Copy).getFromFlag()?.getValue()
      const from = name ? stages.get(name)!.root : undefined
      const target = words.pop()!
      for (const source of words) {
        const start = from === undefined ? join(ROOT, source) : join(from, source)
        const end = target.endsWith('/') ? join(within(target), source) : within(target)
        const filter = (path: string) => {
          const inside = relative(ROOT, path)
          return from !== undefined || inside === '' || !ignored.ignores(inside)
        }
        cpSync(start, end, { recursive: true, filter, verbatimSymlinks: true })
        if (!existsSync(end)) throw new Error(`COPY ${text}: ${source} is not in the context.`)
      }
    } else if (keyword === 'RUN') {
      // There is no `node` user here, and `/data` has its place below the root.
      const command = text.replaceAll('/data', join(here.root, 'data')).replace('node:node', String(NODE_UID))
      output(
        here.folder,
        here.env,
        'sh',
        '-c',
        process.getuid?.() === 0 ? command : command.replace(/ && chown.*/, ''),
      )
    } else here.said.set(keyword, text)
  }
  return stages.get('last')!
}

const wordsOf = (json: string) => JSON.parse(json) as string[]

describe('the Dockerfile, replayed without Docker', () => {
  const top = mkdtempSync(join(tmpdir(), 'connlog-image-'))
  let image: Stage
  beforeAll(() => {
    chmodSync(top, 0o755)
    image = replay(top)
  })
  afterAll(() => rmSync(top, { recursive: true, force: true }))

  it('brings what runs, and neither sources nor tools', () => {
    expect(existsSync(join(image.folder, 'dist/main.js'))).toBe(true)
    const unwanted = ['src', 'test', 'node_modules/prisma', 'node_modules/typescript', 'node_modules/vitest']
    expect(unwanted.filter((name) => existsSync(join(image.folder, name)))).toEqual([])
  })

  it('serves as its user, is healthy, and ends with 0 at its signal', async () => {
    expect([image.said.get('USER'), image.said.get('STOPSIGNAL')]).toEqual(['node', 'SIGTERM'])
    const [file = '', ...args] = [
      ...wordsOf(image.said.get('ENTRYPOINT')!),
      ...wordsOf(image.said.get('CMD')!),
    ]
    const { PATH = '' } = process.env
    const database = image.env['DATABASE_URL']!.replace('/data', join(image.root, 'data'))
    const env = { PATH, ...image.env, HOST: '127.0.0.1', PORT: '0', DATABASE_URL: database }
    const user = process.getuid?.() === 0 ? { uid: NODE_UID, gid: NODE_UID } : {}
    const child = spawn(file, args, { cwd: image.folder, env, ...user })
    const exited = once(child, 'exit')
    try {
      let printed = ''
      child.stderr.on('data', (chunk: Buffer) => void (printed += chunk.toString()))
      child.stdout.on('data', (chunk: Buffer) => void (printed += chunk.toString()))
      await expect.poll(() => printed, { timeout: 60_000 }).toMatch(/http:\/\/[\d.]+:\d+/)
      const port = /http:\/\/[\d.]+:(\d+)/.exec(printed)![1]!
      const probe = wordsOf(/CMD (\[.*\])$/s.exec(image.said.get('HEALTHCHECK')!)![1]!)
      const check = (PORT: string) =>
        execFileSync(probe[0]!, probe.slice(1), { env: { ...env, PORT }, stdio: 'pipe' }).toString()
      expect(check(port)).toBe('')
      expect(() => check('1')).toThrow('Command failed')
      child.kill('SIGTERM')
      expect(await exited).toEqual([0, null])
    } finally {
      child.kill('SIGKILL')
      await exited
    }
  })
})

it('compose.yaml waits for a healthy Postgres, keeps its data, and holds no password', () => {
  const text = read('compose.yaml')
  const { services, volumes } = parse(text)
  expect(Object.keys(services)).toEqual(['connlog', 'postgres'])
  expect(services.connlog.depends_on).toEqual({ postgres: { condition: 'service_healthy' } })
  expect(services.postgres.healthcheck.test[1]).toContain('pg_isready')
  expect(services.postgres.image).toMatch(/^postgres:\d+$/)
  expect(services.postgres.volumes).toEqual(['postgres:/var/lib/postgresql'])
  expect(Object.keys(volumes)).toEqual(['postgres'])
  expect(services.postgres.environment.POSTGRES_PASSWORD).toMatch(/^\$\{POSTGRES_PASSWORD:\?/)
  expect(services.connlog.environment.DATABASE_URL).toMatch(/^postgres:\/\/connlog:\$\{POSTGRES_PASSWORD:\?/)
})

it.skipIf(!existsSync('/usr/bin/systemd-analyze'))(
  'the unit of systemd passes systemd-analyze verify (skipped where that is not installed)',
  () => {
    const unit = join(ROOT, 'examples/deploy/connlog.service')
    expect(output(ROOT, {}, 'systemd-analyze', 'verify', unit)).toBe('')
  },
)
