import { execFile } from 'node:child_process'
import {
  cpSync,
  mkdtempSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { preset } from '@graphql-codegen/client-preset'
import { codegen } from '@graphql-codegen/core'
import { buildSchema, parse } from 'graphql'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type TestApp, startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { type Listening, listen } from '../../src/http/listen.ts'
import { DAY_MS, systemClock } from '../../src/kernel/clock.ts'

const ROOT = new URL('../../', import.meta.url).pathname
const run = promisify(execFile)

/** An instant of 10 March, so that yesterday is the 9th. */
const NOW = Date.UTC(2026, 2, 10, 0, 30)
const YESTERDAY = Date.UTC(2026, 2, 9)

describe('the typed consumer of examples/codegen', () => {
  const folders: string[] = []

  afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

  /** A copy of the sources, with the packages of the root. */
  function copyExample(): string {
    const folder = mkdtempSync(join(tmpdir(), 'connlog-codegen-'))
    folders.push(folder)
    for (const file of ['src/execute.ts', 'src/failures.ts', 'tsconfig.json', 'package.json'])
      cpSync(join(ROOT, 'examples/codegen', file), join(folder, file))
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    return folder
  }

  describe('against a service', () => {
    let folder: string
    let app: TestApp
    let service: Listening

    beforeAll(async () => {
      folder = copyExample()
      await generate(folder)
      expect(await compile(folder)).toBe('')
    })

    beforeEach(async () => {
      app = await startTestApp('sqlite', { clock: createTestClock(NOW) })
      service = await listen(app.fetch, { port: 0, host: '127.0.0.1', clock: systemClock })
    })

    afterEach(() => service.stop())

    const start = (key: string) => startProgram(folder, { CONNLOG_URL: service.address, CONNLOG_KEY: key })

    it('lists the failures of yesterday by platform, over all pages', async () => {
      await record(app, [
        ...times(230, (n) => failure('tiktok', YESTERDAY + n, n % 3 === 0 ? 'oauth_denied' : 'timeout')),
        failure('bluesky', YESTERDAY, 'b_code'),
        failure('bluesky', YESTERDAY + DAY_MS - 1, 'a_code'),
        { ...failure('instagram', YESTERDAY + 1), eventType: 'reconnect_failed' },
        failure('instagram', YESTERDAY + 2),
        failure('instagram', YESTERDAY - 1, 'the_day_before'),
        failure('instagram', YESTERDAY + DAY_MS, 'today'),
        { ...failure('reddit', YESTERDAY), eventType: 'connect_success' },
        { ...failure('reddit', YESTERDAY), eventType: 'disconnect' },
      ])
      expect(await start(await app.key(null))).toEqual({
        code: 0,
        stdout: [
          'Failures on 2026-03-09 (UTC): 234',
          'platform        failures  most frequent error',
          'TIKTOK               230  timeout',
          'BLUESKY                2  a_code',
          'INSTAGRAM              2  (none)',
          '',
        ].join('\n'),
        stderr: '',
      })
    })

    it('says of a day without failures just that', async () => {
      await record(app, [failure('instagram', YESTERDAY + DAY_MS, 'today')])
      expect(await start(await app.key(null))).toEqual({
        code: 0,
        stdout: 'Failures on 2026-03-09 (UTC): 0\n',
        stderr: '',
      })
    })

    it('fails with what the service said', async () => {
      const { code, stdout, stderr } = await start('clk_unknown')
      expect([code, stdout, messageOf(stderr)]).toEqual([1, '', 'UNAUTHENTICATED: Unauthorized'])
    })

    it('asks for a key', async () => {
      const { code, stdout, stderr } = await start('')
      expect([code, stdout, messageOf(stderr)]).toEqual([
        1,
        '',
        'Expected CONNLOG_KEY to be a key, as `connlog keys create --service` prints it.',
      ])
    })
  })

  it('is not generated from a document that asks for an unknown field', async () => {
    const folder = copyExample()
    edit(folder, '        platform\n', '        platfrom\n')
    await expect(generate(folder)).rejects.toThrow(
      'Cannot query field "platfrom" on type "ConnectionLog". Did you mean "platform"?',
    )
  })

  it('does not compile where it reads a field that it did not ask for', async () => {
    const folder = copyExample()
    edit(folder, 'connectionLogs.pagination.hasMore', 'connectionLogs.pagination.total')
    await generate(folder)
    expect(await compile(folder)).toBe(
      "src/failures.ts: error TS2339: Property 'total' does not exist on type '{ hasMore: boolean; }'.\n",
    )
  })

  it('does not compile where a variable is of the wrong type', async () => {
    const folder = copyExample()
    edit(folder, 'from: from.toISOString()', 'from')
    await generate(folder)
    expect(await compile(folder)).toBe(
      "src/failures.ts: error TS2322: Type 'Date' is not assignable to type 'string'.\n",
    )
  })
})

/** Changes the one place of the program that reads `from`. */
function edit(folder: string, from: string, to: string): void {
  const path = join(folder, 'src/failures.ts')
  const text = readFileSync(path, 'utf8')
  expect(text.split(from)).toHaveLength(2)
  writeFileSync(path, text.replace(from, to))
}

/** What of `codegen.ts` is read here; its own type comes with the command, which is not installed in the root. */
interface Config {
  readonly emitLegacyCommonJSImports: boolean
  readonly importExtension: '' | `.${string}`
  readonly generates: Readonly<Record<string, { presetConfig: object; config: object }>>
}

/**
 * Does what `graphql-codegen` does with the example's `codegen.ts`, by the same preset, without the 190 packages that
 * the command adds to it.
 * @throws {Error} if a document does not fit the schema
 */
async function generate(folder: string): Promise<void> {
  const { default: config } = (await import(join(ROOT, 'examples/codegen/codegen.ts'))) as { default: Config }
  const { emitLegacyCommonJSImports, importExtension, generates } = config
  const sdl = readFileSync(join(ROOT, 'schema.graphql'), 'utf8')
  for (const [output, { presetConfig, config }] of Object.entries(generates)) {
    const sections = await preset.buildGeneratesSection({
      baseOutputDir: join(folder, output),
      presetConfig,
      schema: parse(sdl),
      schemaAst: buildSchema(sdl),
      documents: readDocuments(join(folder, 'src')),
      config: { emitLegacyCommonJSImports, importExtension, ...config },
      plugins: [],
      pluginMap: {},
    })
    for (const section of sections) {
      const text = await codegen({ ...section, emitLegacyCommonJSImports, importExtension })
      mkdirSync(dirname(section.filename), { recursive: true })
      writeFileSync(section.filename, text)
    }
  }
}

/** The documents of all sources, as they are written in the calls of `graphql`. */
function readDocuments(folder: string) {
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts'))
  return files.flatMap((name) => {
    const location = join(folder, name)
    const calls = readFileSync(location, 'utf8').matchAll(/graphql\(\/\* GraphQL \*\/ `([^`]*)`\)/g)
    return [...calls].map(([, rawSDL = '']) => ({ location, rawSDL, document: parse(rawSDL) }))
  })
}

/** Compiles the example into its `dist`. @returns what the compiler has to say, without lines and columns */
async function compile(folder: string): Promise<string> {
  const tsc = join(ROOT, 'node_modules/.bin/tsc')
  const { stdout } = await run(tsc, [], { cwd: folder }).catch((error: { stdout: string }) => error)
  return stdout.replaceAll(/^(\S+)\(\d+,\d+\)/gm, '$1')
}

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the compiled program at {@link NOW}. */
async function startProgram(folder: string, env: Record<string, string>): Promise<Ended> {
  const clock = `data:text/javascript,${encodeURIComponent(`Date.now = () => ${NOW}`)}`
  const args = ['--import', clock, 'dist/failures.js']
  return run(process.execPath, args, { cwd: folder, env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: Ended) => ({ code, stdout, stderr }),
  )
}

const messageOf = (stderr: string) => /^Error: (.*)$/m.exec(stderr)?.[1]

const times = <T>(count: number, make: (n: number) => T) => Array.from({ length: count }, (_, n) => make(n))

function failure(platform: string, createdAtMs: number, code?: string) {
  return {
    platform,
    eventType: 'connect_failed',
    connectionMethod: 'oauth',
    createdAt: new Date(createdAtMs).toISOString(),
    ...(code === undefined ? {} : { error: { code } }),
  }
}

async function record(app: TestApp, events: readonly object[]): Promise<void> {
  await app.connectionLogs.record(events.map((value, index) => ({ value, at: `[${index}]` })))
}
