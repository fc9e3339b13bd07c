import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { createApp } from '../../../dist/app.js'
import { parseConfig } from '../../../dist/config/config.js'
import { silentLogger } from '../../../dist/kernel/logger.js'
import { connlog, connlogProgram, serveSettings } from '../connlog.mjs'
import { makeEvents, toLines } from '../events.mjs'
import { withOwnDatabase } from '../own-database.mjs'
import { COLUMNS, TABLE, toPostgresRows } from '../rows.mjs'
import { sendLines } from '../send-lines.mjs'
import { startService } from '../service.mjs'
import { median, spread } from '../statistics.mjs'

const LOGS = 300_000
const POOL_SIZE = 10

/**
 * I1: logs as lines over HTTP into a running service, checked, redacted, counted and remembered by their event ids,
 * against a COPY of the finished rows into the same table with the same indexes, which does none of that. Both begin with
 * empty tables. Notes of counts that are not merged at the end are merged in the time that counts.
 * @type {import('../figures.mjs').Measurement}
 */
export const bulkIngest = {
  figures: [
    {
      id: 'I1',
      title: 'bulk ingest on Postgres, logs a second: against raw COPY into the same indexed table',
      must: 0.35,
      goal: 0.55,
      reach: 'at least',
    },
  ],
  needs: 'server',

  measure: async ({ options, postgres, random, say, onStop }) =>
    withOwnDatabase(postgres.url, 'bench_ingest', async (url) => {
      await connlog(url, ['migrate'])
      const key = await connlog(url, ['keys', 'create', '--service'])
      const app = await createApp({ config: parseConfig({ DATABASE_URL: url }), logger: silentLogger })
      const service = await startService(
        { node: process.execPath, args: [connlogProgram, 'serve'] },
        serveSettings(url, POOL_SIZE),
        onStop,
      )
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      const empty = async () => {
        for (const table of [
          TABLE,
          'connection_log_event_ids',
          'connection_log_counts',
          'connection_log_count_deltas',
        ])
          await client.query(`TRUNCATE ${table}`)
        await client.query('CHECKPOINT')
      }
      const logs = options.smoke ? 2_000 : LOGS
      const rounds = []
      try {
        // Makes the days' partitions and warms both sides up.
        await sendLines(service.url, key, toLines(makeEvents(random, Math.min(logs, 10_000), 'warm')))
        for (let round = 1; round <= options.rounds; round += 1) {
          const events = makeEvents(random, logs, `round ${round}`)
          const [lines, rows] = [toLines(events), copyText(toPostgresRows(events))]
          await empty()
          const copyMs = await timed(() => copy(client, rows))
          await empty()
          let answer
          const ingestMs = await timed(async () => {
            answer = await sendLines(service.url, key, lines)
            // While the service merges, a merge of ours is none.
            do await app.counts.merge()
            while ((await client.query('SELECT FROM connection_log_count_deltas LIMIT 1')).rowCount > 0)
          })
          if (answer.accepted !== logs)
            throw new Error(`Expected ${logs} logs, got ${JSON.stringify(answer)}.`)
          rounds.push({ copyMs, ingestMs, ratio: copyMs / ingestMs })
          say(
            `Round ${round}: COPY ${Math.round(copyMs)} ms, ingest ${Math.round(ingestMs)} ms (${Math.round((logs / ingestMs) * 1_000)} logs a second)`,
          )
        }
      } finally {
        await client.end()
        await service.stop()
        await app.stop()
      }
      return {
        ratios: { I1: spread(rounds.map(({ ratio }) => ratio)) },
        details: {
          logs,
          copyMs: median(rounds.map(({ copyMs }) => copyMs)),
          ingestMs: median(rounds.map(({ ingestMs }) => ingestMs)),
          rounds,
        },
      }
    }),
}

const copy = (client, text) =>
  pipeline(
    Readable.from([text]),
    client.query(copyFrom(`COPY ${TABLE} (${COLUMNS.map(({ name }) => name).join(', ')}) FROM STDIN`)),
  )

/** Rows in the text format of COPY, https://www.postgresql.org/docs/current/sql-copy.html. */
const copyText = (rows) =>
  rows
    .map((row) => `${row.map((cell) => (cell === null ? '\\N' : escaped(String(cell)))).join('\t')}\n`)
    .join('')

const escaped = (text) =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')

async function timed(work) {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}
