import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { exportFormats } from '../../src/connections/export-format.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { formatInstant } from '../../src/kernel/instant.ts'
import { type TestApp, keep, startTestApp } from '../support/app.ts'
import { startCommand } from '../support/command.ts'
import { type Fields, lines } from '../support/log-forms.ts'
import { createTestTerminal } from '../support/terminal.ts'

let app: TestApp
let users = 0
beforeAll(async () => {
  app = keep(await startTestApp('sqlite'))
})
afterAll(() => app.stop())

const EVENT = { platform: 'reddit', eventType: 'connect_failed', connectionMethod: 'oauth' }
const nowText = () => formatInstant(systemClock.now())
const logOf = (eventId: string, fields: Fields = {}) => ({
  ...EVENT,
  eventId,
  createdAt: nowText(),
  ...fields,
})
interface Imported {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** The event ids that are stored, sorted. */
  readonly stored: string[]
}

/** Imports what comes on standard input for a user of its own, so that all of it can be looked at. */
async function importBytes(chunks: readonly (string | Uint8Array)[], ...args: string[]): Promise<Imported> {
  const terminal = createTestTerminal({ DATABASE_URL: app.url })
  for (const chunk of chunks) terminal.stdin.write(chunk)
  terminal.stdin.end()
  return imported(terminal, ['-', ...args])
}

async function importFiles(files: Readonly<Record<string, string | Uint8Array>>): Promise<Imported> {
  const folder = mkdtempSync(join(tmpdir(), 'connlog-import-'))
  const paths = Object.entries(files).map(([name, content]) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  })
  const done = await imported(createTestTerminal({ DATABASE_URL: app.url }), paths)
  return { ...done, stderr: done.stderr.replaceAll(`${folder}/`, '') }
}

async function imported(terminal: ReturnType<typeof createTestTerminal>, args: readonly string[]) {
  users += 1
  const code = await run(['import', ...args, '--user', `user-${users}`], terminal)
  const stored = (await logsOf(`user-${users}`)).map(({ eventId, id }) => eventId ?? id).sort()
  return { code, ...terminal.printed, stored }
}

async function logsOf(userId: string) {
  const logs = []
  for await (const page of app.connectionLogs.everything({ userId: [userId] })) logs.push(...page)
  return logs
}

const summary = (stored: number, rejected = 0) => `${stored} stored, 0 there already, ${rejected} rejected.\n`

describe('connlog import', () => {
  it('reads several files, and names lines by their file', async () => {
    const done = await importFiles({
      'a.ndjson': lines(logOf('a1'), logOf('a2')),
      'b.ndjson.gz': gzipSync(lines(logOf('b1'), '{"platform":')),
      'c.json': JSON.stringify({ logs: [logOf('c1')] }, null, 2),
    })
    expect(done).toEqual({
      code: 1,
      stdout: summary(4, 1),
      stderr: 'b.ndjson.gz line 2: Expected the line to be JSON, got only its beginning.\n',
      stored: ['a1', 'a2', 'b1', 'c1'],
    })
  })

  it('goes on with the next file where one cannot be read', async () => {
    const done = await importFiles({ 'a.zip': 'PK\u0003\u0004…', 'b.ndjson': lines(logOf('b1')) })
    expect(done).toEqual({
      code: 1,
      stdout: summary(1),
      stderr: 'a.zip is a zip archive. Unpack it: `unzip -p FILE | connlog import -`.\n',
      stored: ['b1'],
    })
  })

  const good = () => [logOf('g1'), logOf('g2'), logOf('g3')] as const
  it.each<[string, (lines: readonly [object, object, object]) => string, string]>([
    [
      'a first line that lacks its beginning',
      (all) => lines('ddit","eventType":"disconnect"}', ...all),
      'line 1: Expected the line to be JSON, got something else at column 1.\n',
    ],
    [
      'a first line that lacks its end',
      (all) => lines('{"platform":"reddit","eventTy', ...all),
      'line 1: Expected the line to be JSON, got only its beginning.\n',
    ],
    [
      'a first line that ends after a comma',
      (all) => lines('{"platform":"reddit",', ...all),
      'line 1: Expected the line to be JSON, got only its beginning.\n',
    ],
    [
      'a first line that ends after a colon',
      (all) => lines('{"platform":', ...all),
      'line 1: Expected the line to be JSON, got only its beginning.\n',
    ],
    [
      'lines amid the others that end after a bracket',
      ([a, b, c]) => lines(a, '{"success":{"permissions":[', b, '[', c),
      'line 2, line 4: Expected the line to be JSON, got only its beginning.\n',
    ],
    [
      'a banner',
      (all) => lines('starting service…', ...all),
      'line 1: Expected the line to be JSON, got something else at column 1.\n',
    ],
    [
      'a comment',
      (all) => lines('# exported by somebody', '// twice', ...all),
      'line 1, line 2: Expected the line to be JSON, got something else at column 1.\n',
    ],
    [
      'the header of a table',
      (all) => lines('platform,eventType,connectionMethod', ...all),
      'line 1: Expected the line to be JSON, got something else at column 1.\n',
    ],
    [
      'a line of zeros, as a crash leaves them',
      (all) => lines('\0'.repeat(4096), ...all),
      'line 1: Expected the line to be JSON, got something else at column 1.\n',
    ],
    [
      'a pretty-printed log that is broken',
      ([a, b, c]) => lines(a, '{', '  "platform": "reddit",', '  eventType: 1', '}', b, c),
      'lines 2 to 5: Expected JSON, got something else at line 4, column 3.\n',
    ],
    ['null', (all) => lines('null', ...all), 'line 1: Expected a log, got null.\n'],
    [
      'an error answer',
      (all) => lines('{"error":"Unauthorized"}', ...all),
      'line 1: Expected a log, got an error answer of a server. Was its address right, and the key?\n',
    ],
    [
      'an error answer of GraphQL',
      (all) => lines('{"data":null,"errors":[{"message":"s3cret"}]}', ...all),
      'line 1: Expected a log, got an error answer of a server. Was its address right, and the key?\n',
    ],
    [
      'a list that was cut, with an element a line',
      ([a, b, c]) => `[\n${[a, b, c].map((log) => `${JSON.stringify(log)},\n`).join('')}{"platform":"re`,
      'line 1, line 5: Expected the line to be JSON, got only its beginning.\n',
    ],
    [
      'what follows a log on its line',
      ([a, b, c]) => lines(a, b, c, `${JSON.stringify(c)} and more`),
      `line 4: Expected the line to be JSON, got something else at column ${JSON.stringify(good()[2]).length + 2}.\n`,
    ],
  ])('rejects %s by its number and stores the other lines', async (_, form, stderr) => {
    const done = await importBytes([form(good())])
    const rejected = (stderr.match(/line/g) ?? []).filter(
      (_word, index) => index < stderr.split(':')[0]!.split(',').length,
    )
    expect(done).toEqual({ code: 1, stdout: summary(3, rejected.length), stderr, stored: ['g1', 'g2', 'g3'] })
  })

  it('stores the lines after one of more than a mebibyte, and that line too if it is a page', async () => {
    const long = logOf('long', { error: { rawResponse: 'x'.repeat(1_500_000) } })
    expect(await importBytes([lines('{"cut":"', long, logOf('g1'))])).toMatchObject({
      code: 1,
      stored: ['g1', 'long'],
    })
    const page = {
      logs: Array.from({ length: 100 }, (_, index) =>
        logOf(`p${index}`, { error: { rawResponse: 'y'.repeat(20_000) } }),
      ),
    }
    expect(await importBytes([`${'z'.repeat(1_200_000)}\n`, lines(page, logOf('g1'))])).toMatchObject({
      code: 1,
      stdout: summary(101, 1),
      stderr: 'line 1: Expected the line to be JSON, got something else at column 1.\n',
    })
  })

  const latin1 = (text: string) => Buffer.from(text, 'latin1')
  it('stores nothing of Latin-1 text that it would damage, and says how to convert it', async () => {
    const jose = logOf('jose', { success: { displayName: 'José' } })
    const convert = 'If the text is Latin-1, convert it: `iconv -f WINDOWS-1252 -t UTF-8`.\n'
    expect(await importBytes([latin1(JSON.stringify({ logs: [jose, logOf('plain')] }))])).toEqual({
      code: 1,
      stdout: summary(0, 1),
      stderr: `line 1: Expected the line to be UTF-8, got something else. ${convert}`,
      stored: [],
    })
    const pretty = await importBytes([latin1(JSON.stringify({ logs: [jose, logOf('plain')] }, null, 2))])
    expect(pretty).toMatchObject({ code: 1, stdout: summary(0, 1), stored: [] })
    expect(pretty.stderr).toBe(`lines 1 to 21: Expected UTF-8, got something else at line 10. ${convert}`)
    expect(await importBytes([latin1(lines(jose, logOf('plain')))])).toEqual({
      code: 1,
      stdout: summary(1, 1),
      stderr: `line 1: Expected the line to be UTF-8, got something else. ${convert}`,
      stored: ['plain'],
    })
  })

  it('rejects lines of UTF-16 that hold half a character, and keeps the others whole', async () => {
    const text = lines(
      logOf('whole', { success: { displayName: '🙂 é' } }),
      '{"half":"\ud83d"}',
      logOf('last'),
    )
    const done = await importBytes([Buffer.from(text, 'utf16le')])
    expect(done).toMatchObject({ code: 1, stdout: summary(2, 1), stored: ['last', 'whole'] })
    expect((await logsOf(`user-${users}`)).map(({ success }) => success?.displayName)).toContain('🙂 é')
  })

  it.each<[string, string | Uint8Array, string]>([
    ['nothing', '', 'Standard input is empty: nothing was imported. Did the command before it fail?\n'],
    [
      'blank lines',
      ' \n\r\n\t',
      'Standard input is empty: nothing was imported. Did the command before it fail?\n',
    ],
    [
      'a byte order mark alone',
      '\ufeff',
      'Standard input is empty: nothing was imported. Did the command before it fail?\n',
    ],
    [
      'an empty file in gzip',
      gzipSync(''),
      'Standard input is empty: nothing was imported. Did the command before it fail?\n',
    ],
    [
      'a web page',
      '<!doctype html>\n<html><title>Sign in</title>\n</html>',
      'Standard input is an HTML page, not logs. Was the address that of the API, and the key right?\n',
    ],
    ['XML', '<?xml version="1.0"?>\n<logs/>', 'Standard input is XML. Import takes JSON.\n'],
    [
      'its own CSV',
      exportFormats.csv.head,
      'Standard input is a CSV export, which has lost what CSV cannot hold. Export it as NDJSON: `connlog export`.\n',
    ],
    [
      'zstd',
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]),
      'Standard input is compressed with zstd. Unpack it: `zstd -dc FILE | connlog import -`.\n',
    ],
    [
      'bzip2',
      'BZh91AY&SY',
      'Standard input is compressed with bzip2. Unpack it: `bzip2 -dc FILE | connlog import -`.\n',
    ],
    [
      'an SQLite database',
      'SQLite format 3\0',
      'Standard input is an SQLite database. Export its logs: `DATABASE_URL=file:FILE connlog export | connlog import -`.\n',
    ],
    [
      'UTF-32',
      Buffer.from([0x7b, 0, 0, 0, 0x7d, 0, 0, 0]),
      'Standard input is not text that import reads; perhaps it is UTF-32. Convert it to UTF-8 with iconv.\n',
    ],
    [
      'a tar archive in gzip',
      gzipSync(`${'a.ndjson'.padEnd(257, '\0')}ustar\0`),
      'Standard input is a tar archive. Unpack it: `tar -xOf FILE | connlog import -`.\n',
    ],
    [
      'damaged gzip',
      Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8]),
      'Standard input is compressed with gzip and is damaged. The logs before that were read.\n',
    ],
  ])('fails on %s in one sentence', async (_, bytes, stderr) => {
    expect(await importBytes([bytes])).toEqual({ code: 1, stdout: '', stderr, stored: [] })
  })

  it('stores what was read before a gzip file was cut', async () => {
    const text = lines(
      ...Array.from({ length: 3_000 }, (_, index) =>
        logOf(`e${index}`, { metadata: { index, random: Math.sin(index) } }),
      ),
    )
    const packed = gzipSync(text)
    const done = await importBytes([packed.subarray(0, packed.length / 2)])
    expect(done.code).toBe(1)
    expect(done.stderr).toMatch(
      /^Standard input is compressed with gzip and ends too early: it was cut\. The logs before that were read\.\n|^line \d+: Expected the line to be JSON, got only its beginning\.\nStandard input .*\n$/,
    )
    expect(done.stored.length).toBeGreaterThan(1_000)
  })

  it.each(['{"logs":[],"pagination":{"total":0}}', '[]', '{"data":{"connectionLogs":{"logs":[]}}}'])(
    'takes a page without logs for a success: %s',
    async (text) => {
      expect(await importBytes([text])).toEqual({ code: 0, stdout: summary(0), stderr: '', stored: [] })
    },
  )

  it('says where JSON goes wrong without repeating any of it', async () => {
    const done = await importBytes([
      `{"logs": [\n  {"platform": "reddit", "error": {"message": "s3cret" "x": 1}}\n]}`,
    ])
    expect(done).toMatchObject({
      code: 1,
      stderr: 'lines 1 to 3: Expected JSON, got something else at line 2, column 56.\n',
    })
  })

  it('ends at once where it can tell that a pipe holds no logs, though the pipe stays open', async () => {
    const started = startCommand(['import', '-'], { DATABASE_URL: app.url, LOG_LEVEL: 'silent' }, null)
    started.send('<html>\n')
    expect(await started.finished).toMatchObject({ code: 1, stdout: '' })
  })

  it('stores each line of a pipe when it comes', async () => {
    users += 1
    const terminal = createTestTerminal({ DATABASE_URL: app.url })
    const running = run(['import', '-', '--user', `user-${users}`], terminal)
    const arrives = async (count: number) => {
      while ((await logsOf(`user-${users}`)).length < count) await systemClock.sleep(5)
    }
    terminal.stdin.write('starting…\n')
    for (let index = 1; index <= 3; index += 1) {
      terminal.stdin.write(lines(logOf(`e${index}`)))
      // The next line is not sent before this one is stored.
      await arrives(index)
    }
    terminal.stdin.write(`${JSON.stringify(logOf('e4'), null, 2)}\n`)
    await arrives(4)
    terminal.stdin.end()
    expect(await running).toBe(1)
    expect(terminal.printed.stdout).toBe(summary(4, 1))
  })
})
