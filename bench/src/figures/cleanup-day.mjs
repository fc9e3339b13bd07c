import pg from 'pg'
import { createApp } from '../../../dist/app.js'
import { parseConfig } from '../../../dist/config/config.js'
import { silentLogger } from '../../../dist/kernel/logger.js'
import { connlog } from '../connlog.mjs'
import { fillExpiredDay } from '../fill.mjs'
import { withOwnDatabase } from '../own-database.mjs'
import { median, spread } from '../statistics.mjs'
import { tenantsFor } from '../tenants.mjs'

const ROUNDS = 3

/**
 * R1: until a day that has expired is gone, as connlog does it and row by row. Both sides end when another connection finds
 * no log of that day any more and waits for nobody: a DELETE gives no room back by then, and a DROP has yet to unlink its files.
 * R1a is until the room is there again: a VACUUM after the DELETE, the end of the whole call in connlog. Beside them stands
 * a bare DROP of such a day, which is what Postgres and the file system take, whoever asks.
 * @type {import('../figures.mjs').Measurement}
 */
export const cleanupDay = {
  figures: [
    {
      id: 'R1',
      title: 'an expired day on Postgres, until it is gone: DELETE of it against cleaning it up',
      must: 50,
      goal: 100,
      reach: 'at least',
    },
    {
      id: 'R1a',
      title: 'the same until its room is given back: DELETE and VACUUM against the whole call',
    },
  ],
  needs: 'server',

  measure: async ({ options, postgres, say }) =>
    withOwnDatabase(postgres.url, 'bench_cleanup', async (url) => {
      await connlog(url, ['migrate'])
      const app = await createApp({ config: parseConfig({ DATABASE_URL: url }), logger: silentLogger })
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      const rounds = []
      try {
        // The first time costs connections and the compiling of queries, here and in the service once in its life.
        await app.connectionLogs.cleanup(false)
        for (let round = 1; round <= (options.smoke ? 1 : ROUNDS); round += 1) {
          const newDay = () => fillExpiredDay(url, tenantsFor(options.logs), say)
          const drop = ({ partitions }) => client.query(`DROP TABLE ${partitions.join(', ')}`)

          const first = await newDay()
          const [partition, counts] = [first.partitions[2], first.partitions[1]]
          const deleteMs = await timed(async () => {
            await client.query('BEGIN')
            await client.query(`DELETE FROM "${partition}"`)
            await client.query(`DELETE FROM "${counts}"`)
            await client.query('COMMIT')
          })
          const vacuumMs = await timed(() => client.query(`VACUUM "${partition}", "${counts}"`))
          await drop(first)

          const second = await newDay()
          const dropMs = await timed(() => drop(second))

          const { logs } = await newDay()
          const startMs = performance.now()
          const cleanedUp = app.connectionLogs.cleanup(false).then(({ deleted }) => ({
            deleted,
            cleanupMs: performance.now() - startMs,
          }))
          const [goneMs, { deleted, cleanupMs }] = await Promise.all([untilGone(client, startMs), cleanedUp])
          if (deleted !== logs) throw new Error(`Expected ${logs} logs to be deleted, got ${deleted}.`)
          rounds.push({
            logs,
            deleteMs,
            vacuumMs,
            dropMs,
            goneMs,
            cleanupMs,
            ratio: deleteMs / goneMs,
            roomRatio: (deleteMs + vacuumMs) / cleanupMs,
          })
          const shown = {
            DELETE: deleteMs,
            VACUUM: vacuumMs,
            'bare DROP': dropMs,
            gone: goneMs,
            cleanup: cleanupMs,
          }
          say(
            `Round ${round}: ${Object.entries(shown)
              .map(([what, ms]) => `${what} ${Math.round(ms)} ms`)
              .join(', ')}`,
          )
        }
      } finally {
        await client.end()
        await app.stop()
      }
      return {
        ratios: {
          R1: spread(rounds.map(({ ratio }) => ratio)),
          R1a: spread(rounds.map(({ roomRatio }) => roomRatio)),
        },
        details: {
          ...Object.fromEntries(
            ['deleteMs', 'vacuumMs', 'dropMs', 'goneMs', 'cleanupMs'].map((what) => [
              what,
              median(rounds.map((round) => round[what])),
            ]),
          ),
          rounds,
        },
      }
    }),
}

/** Asks for the oldest logs as a reader does, waiting for locks like one, until there are none. */
async function untilGone(client, startMs) {
  for (;;) {
    const { rows } = await client.query(
      "SELECT 1 FROM connection_logs WHERE created_at < now() - interval '8 days' LIMIT 1",
    )
    if (rows.length === 0) return performance.now() - startMs
  }
}

async function timed(work) {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}
