import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Ended, ROOT, run, runTool } from './support/run.ts'
import { createScratch } from './support/scratch.ts'
import { type Log, PROVIDERS, type User, createUser } from './support/user.ts'

const DAY_MS = 24 * 60 * 60 * 1_000

/** The consumer counts the day before the one it runs on, so it is run at half past midnight of this day. */
const TODAY = Math.floor(Date.now() / DAY_MS) * DAY_MS
const YESTERDAY = TODAY - DAY_MS

/** A copy of the sources as the generator and the compiler of the packages here take them. */
function copyExample(atEnd?: (remove: () => void) => void): string {
  const schema = readFileSync(join(ROOT, 'schema.graphql'), 'utf8')
  const scratch = createScratch({ 'schema.graphql': schema }, atEnd)
  const folder = join(scratch, 'examples/codegen')
  for (const file of ['src/execute.ts', 'src/failures.ts', 'codegen.ts', 'tsconfig.json', 'package.json'])
    cpSync(join(ROOT, 'examples/codegen', file), join(folder, file))
  return folder
}

const generate = (cwd: string) => runTool('graphql-codegen', ['--config', 'codegen.ts'], { cwd })

/** Compiles the example into its `dist`. @returns what the compiler has to say, without lines and columns */
async function compile(cwd: string): Promise<string> {
  const { stdout } = await run(join(ROOT, 'node_modules/.bin/tsc'), [], { cwd })
  return stdout.replaceAll(/^(\S+)\(\d+,\d+\)/gm, '$1')
}

/** A copy that is generated and compiled. */
let built: string
beforeAll(async () => {
  let remove = (): void => undefined
  built = copyExample((atEnd) => (remove = atEnd))
  expect([(await generate(built)).code, await compile(built)]).toEqual([0, ''])
  return remove
})

/** Another copy, with what was generated. */
function copyGenerated(): string {
  const folder = copyExample()
  cpSync(join(built, 'src/generated'), join(folder, 'src/generated'), { recursive: true })
  return folder
}

describe.each(PROVIDERS)('the typed consumer of examples/codegen, against a service on %s', (provider) => {
  let user: User
  beforeEach(async () => void (user = await createUser(provider)))

  const start = (key: string) =>
    startProgram(built, { CONNLOG_URL: new URL(user.url).origin, CONNLOG_KEY: key })

  it('lists the failures of yesterday by platform, over all pages', async () => {
    await user.record([
      ...times(230, (n) => failure('tiktok', YESTERDAY + n, n % 3 === 0 ? 'oauth_denied' : 'timeout')),
      failure('bluesky', YESTERDAY, 'b_code'),
      failure('bluesky', YESTERDAY + DAY_MS - 1, 'a_code'),
      { ...failure('instagram', YESTERDAY + 1), eventType: 'reconnect_failed' },
      failure('instagram', YESTERDAY + 2),
      failure('instagram', YESTERDAY - 1, 'the_day_before'),
      failure('instagram', TODAY, 'today'),
      { ...failure('reddit', YESTERDAY), eventType: 'connect_success' },
      { ...failure('reddit', YESTERDAY), eventType: 'disconnect' },
    ])
    expect(await start(user.key)).toEqual({
      code: 0,
      stdout: [
        `Failures on ${new Date(YESTERDAY).toISOString().slice(0, 10)} (UTC): 234`,
        'platform        failures  most frequent error',
        'TIKTOK               230  timeout',
        'BLUESKY                2  a_code',
        'INSTAGRAM              2  (none)',
        '',
      ].join('\n'),
      stderr: '',
    })
  })

  it('says of a day without failures just that, and fails with what the service said', async () => {
    await user.record([failure('instagram', TODAY, 'today')])
    expect(await start(user.key)).toEqual({
      code: 0,
      stdout: `Failures on ${new Date(YESTERDAY).toISOString().slice(0, 10)} (UTC): 0\n`,
      stderr: '',
    })
    const refused = await start('clk_unknown')
    expect([refused.code, refused.stdout, messageOf(refused.stderr)]).toEqual([
      1,
      '',
      'UNAUTHENTICATED: Unauthorized',
    ])
    const keyless = await start('')
    expect([keyless.code, keyless.stdout, messageOf(keyless.stderr)]).toEqual([
      1,
      '',
      'Expected CONNLOG_KEY to be a key, as `connlog keys create --service` prints it.',
    ])
  })
})

describe('the typed consumer of examples/codegen', () => {
  it('is not generated from a document that asks for an unknown field', async () => {
    const folder = copyExample()
    edit(folder, '        platform\n', '        platfrom\n')
    const { code, stdout, stderr } = await generate(folder)
    expect([code, stdout + stderr]).toEqual([
      1,
      expect.stringContaining(
        'Cannot query field "platfrom" on type "ConnectionLog". Did you mean "platform"?',
      ),
    ])
  })

  it('does not compile where it reads a field that it did not ask for', async () => {
    const folder = copyGenerated()
    edit(folder, 'connectionLogs.pagination.hasMore', 'connectionLogs.pagination.total')
    expect(await compile(folder)).toBe(
      "src/failures.ts: error TS2339: Property 'total' does not exist on type '{ hasMore: boolean; }'.\n",
    )
  })

  it('does not compile where a variable is of the wrong type', async () => {
    const folder = copyGenerated()
    edit(folder, 'from: from.toISOString()', 'from')
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

/** Runs the compiled program half an hour after midnight of {@link TODAY}. */
function startProgram(cwd: string, env: Record<string, string>): Promise<Ended> {
  const clock = `data:text/javascript,${encodeURIComponent(`Date.now = () => ${TODAY + 30 * 60_000}`)}`
  return run(process.execPath, ['--import', clock, 'dist/failures.js'], { cwd, env })
}

const messageOf = (stderr: string) => /^Error: (.*)$/m.exec(stderr)?.[1]

const times = <T>(count: number, make: (n: number) => T) => Array.from({ length: count }, (_, n) => make(n))

const failure = (platform: string, createdAtMs: number, code?: string): Log => ({
  platform,
  createdAt: new Date(createdAtMs).toISOString(),
  error: code === undefined ? {} : { code },
})
