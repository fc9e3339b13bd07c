import fc from 'fast-check'
import { expect, it } from 'vitest'
import { OPERATOR } from '../../src/auth/principal.ts'
import { type ConnectionLog, PLATFORMS } from '../../src/connections/event.ts'
import { exportFormats } from '../../src/connections/export-format.ts'
import { createRecordParser } from '../../src/connections/input.ts'
import { newConnectionLog } from '../../src/connections/record.ts'
import { DAY_MS } from '../../src/kernel/clock.ts'
import { createIdMint } from '../../src/kernel/ids.ts'
import { nastyLogs } from '../support/nasty-logs.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const context = {
  principal: OPERATOR,
  mintId: createIdMint(),
  parse: createRecordParser(PLATFORMS),
  nowMs: NOW,
  retentionMs: 7 * DAY_MS,
}
const logs = fc.array(
  nastyLogs(NOW).map((value) => newConnectionLog({ value, at: '' }, context).log),
  { maxLength: 5 },
)
const FORMULA = /^[=+\-@\t\r\n]/

/** RFC 4180, read as plainly as can be. A line break is CRLF; one inside quotes is text. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]]
  let rest = text
  while (rest !== '') {
    const [whole = '', quoted, plain, end] = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/.exec(rest) ?? []
    if (whole === '') throw new Error(`This is no CSV: ${JSON.stringify(rest.slice(0, 80))}`)
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end === '\r\n') rows.push([])
    rest = rest.slice(whole.length)
  }
  return rows.slice(0, -1)
}

/** The text of a column, found by its name. */
function cellOf(log: ConnectionLog, column: string): string {
  if (column === '_id') return log.id
  if (column === 'createdAt') return new Date(log.createdAt).toISOString()
  const value = column
    .split('.')
    .reduce<unknown>((inner, name) => (inner as Record<string, unknown> | null)?.[name], log)
  const text = typeof value === 'string' ? value : value === null ? '' : (JSON.stringify(value) ?? '')
  const inner = text.replaceAll(/([;\t] *)([=+\-@＝＋－＠])/g, "$1'$2")
  return FORMULA.test(inner) || /^[＝＋－＠]/.test(inner) ? `'${inner}` : inner
}

it('CSV holds every cell as it is, and none that a spreadsheet takes for a formula', () => {
  const { head, write } = exportFormats.csv
  fc.assert(
    fc.property(logs, (some) => {
      const [header = [], ...rows] = parseCsv(head + write(some))
      expect(rows).toEqual(some.map((log) => header.map((column) => cellOf(log, column))))
      expect(rows.flat().filter((cell) => FORMULA.test(cell))).toEqual([])
    }),
    { numRuns: 300 },
  )
})

it('CSV begins no formula either where a spreadsheet separates cells by semicolons or tabs', () => {
  const value = {
    platform: 'reddit',
    eventType: 'connect_failed',
    connectionMethod: 'oauth',
    error: { message: 'a;=1+1', code: 'x\t@SUM(A1)', rawResponse: 'b; -2' },
    metadata: { note: ';+1' },
  }
  const written = exportFormats.csv.write([newConnectionLog({ value, at: '' }, context).log])
  for (const cell of ['"a;\'=1+1"', "x\t'@SUM(A1)", '"b; \'-2"', `"{""note"":"";'+1""}"`])
    expect(written).toContain(cell)
  for (const cell of written.split(/[;\t]/)) expect(cell.trimStart()).not.toMatch(FORMULA)
})

it('NDJSON is a line a log', () => {
  fc.assert(
    fc.property(logs, (some) => {
      const lines = exportFormats.ndjson.write(some).split('\n')
      expect(lines.pop()).toBe('')
      expect(lines.map((line) => (JSON.parse(line) as { _id: string })._id)).toEqual(some.map(({ id }) => id))
    }),
    { numRuns: 300 },
  )
})
