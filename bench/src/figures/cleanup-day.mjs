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
 * R1: what it takes to be rid of a day that has expired, as connlog does it and log by log. Beside it stand the VACUUM
 * without which the room of what was deleted is not used again, and a bare DROP of such a day, which is what Postgres and
 * the file system take to give up its files, whoever asks.
 * @type {import('../figures.mjs').Measurement}
 */
export const cleanupDay = {
  figures: [
    {
      id: 'R1',
      title: 'an expired day on Postgres: DELETE of its logs against cleaning it up',
      must: 50,
      goal: 100,
      reach: 'at least',
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
          const deleteMs = await timed(() =>
            client.query(`DELETE FROM connection_logs WHERE created_at < now() - interval '7 days'`),
          )
          const vacuumMs = await timed(() => client.query('VACUUM connection_logs'))
          await drop(first)

          const second = await newDay()
          const dropMs = await timed(() => drop(second))

          const { logs } = await newDay()
          let deleted = 0
          const cleanupMs = await timed(async () => {
            deleted = (await app.connectionLogs.cleanup(false)).deleted
          })
          if (deleted !== logs) throw new Error(`Expected ${logs} logs to be deleted, got ${deleted}.`)
          rounds.push({ logs, deleteMs, vacuumMs, dropMs, cleanupMs, ratio: deleteMs / cleanupMs })
          say(
            `Round ${round}: DELETE ${Math.round(deleteMs)} ms, VACUUM ${Math.round(vacuumMs)} ms, bare DROP ${Math.round(dropMs)} ms, cleanup ${Math.round(cleanupMs)} ms`,
          )
        }
      } finally {
        await client.end()
        await app.stop()
      }
      return {
        ratios: { R1: spread(rounds.map(({ ratio }) => ratio)) },
        details: {
          ...Object.fromEntries(
            ['deleteMs', 'vacuumMs', 'dropMs', 'cleanupMs'].map((what) => [
              what,
              median(rounds.map((round) => round[what])),
            ]),
          ),
          rounds,
        },
      }
    }),
}

async function timed(work) {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}
