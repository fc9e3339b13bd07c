import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { connlog, connlogProgram, serveSettings } from '../connlog.mjs'
import { makeEvents, toLines } from '../events.mjs'
import { COLUMNS, TABLE, toRows } from '../rows.mjs'
import { sendLines } from '../send-lines.mjs'
import { startService } from '../service.mjs'
import { median, spread } from '../statistics.mjs'

const LOGS = 50_000
const MIGRATION = new URL(
  '../../../prisma/sqlite/migrations/0001_logs_and_keys/migration.sql',
  import.meta.url,
)

/**
 * I3: logs as lines over HTTP into a running service on SQLite, checked, redacted, counted, remembered by their event ids
 * and flushed to the disk batch by batch, against a bare loop over one prepared INSERT of the finished rows, all in one
 * transaction, into the same table with the same indexes. The loop runs on connlog's own driver, which has better-sqlite3's
 * way of working; that one has no prebuilt program in the npm registry. Both begin with an empty file.
 * @type {import('../figures.mjs').Measurement}
 */
export const sqliteIngest = {
  figures: [
    {
      id: 'I3',
      title: 'bulk ingest on SQLite, logs a second: against a bare prepared loop in one transaction',
      must: 0.5,
      goal: 0.75,
      reach: 'at least',
    },
  ],
  needs: 'nothing',

  measure: async ({ options, random, say, onStop }) => {
    const logs = options.smoke ? 2_000 : LOGS
    const rounds = []
    for (let round = 1; round <= options.rounds; round += 1) {
      const folder = mkdtempSync(join(tmpdir(), 'connlog-bench-sqlite-'))
      const remove = () => rmSync(folder, { recursive: true, force: true })
      onStop(remove)
      const url = `file:${join(folder, 'connlog.db')}`
      await connlog(url, ['migrate'])
      const key = await connlog(url, ['keys', 'create', '--service'])
      const service = await startService(
        { node: process.execPath, args: [connlogProgram, 'serve'] },
        serveSettings(url, 1),
        onStop,
      )
      const events = makeEvents(random, logs, `round ${round}`)
      const [lines, rows] = [toLines(events), toRows(events)]
      const warm = makeEvents(random, Math.min(logs, 5_000), 'warm')
      await sendLines(service.url, key, toLines(warm))
      const loopMs = bareLoop(join(folder, 'bare.db'), [toRows(warm), rows])
      let answer
      const ingestMs = await timed(async () => {
        answer = await sendLines(service.url, key, lines)
      })
      if (answer.accepted !== logs) throw new Error(`Expected ${logs} logs, got ${JSON.stringify(answer)}.`)
      await service.stop()
      remove()
      rounds.push({ loopMs, ingestMs, ratio: loopMs / ingestMs })
      say(
        `Round ${round}: bare loop ${Math.round(loopMs)} ms, ingest ${Math.round(ingestMs)} ms (${Math.round((logs / ingestMs) * 1_000)} logs a second)`,
      )
    }
    return {
      ratios: { I3: spread(rounds.map(({ ratio }) => ratio)) },
      details: {
        logs,
        loopMs: median(rounds.map(({ loopMs }) => loopMs)),
        ingestMs: median(rounds.map(({ ingestMs }) => ingestMs)),
        rounds,
      },
    }
  },
}

/** @returns how long the last batch took, in milliseconds; the one before it warms up */
function bareLoop(path, batches) {
  const db = new DatabaseSync(path)
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  db.exec(readFileSync(MIGRATION, 'utf8'))
  const insert = db.prepare(
    `INSERT INTO ${TABLE} (${COLUMNS.map(({ name }) => name).join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`,
  )
  let ms = 0
  for (const rows of batches) {
    // The driver would bind a number of more than 32 bits as a float.
    const values = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? BigInt(cell) : cell)))
    const startMs = performance.now()
    db.exec('BEGIN IMMEDIATE')
    for (const row of values) insert.run(...row)
    db.exec('COMMIT')
    ms = performance.now() - startMs
  }
  db.close()
  return ms
}

async function timed(work) {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}
