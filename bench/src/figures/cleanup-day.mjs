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
 * R1: what it takes to be rid of a day that has expired, as connlog does it and log by log. Each round has a new day:
 * it is deleted first, in a transaction that is undone, and then cleaned up.
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
        for (let round = 1; round <= (options.smoke ? 1 : ROUNDS); round += 1) {
          const logs = await fillExpiredDay(url, tenantsFor(options.logs), say)
          const deleteMs = await timed(async () => {
            await client.query('BEGIN')
            await client.query(`DELETE FROM connection_logs WHERE created_at < now() - interval '7 days'`)
          })
          await client.query('ROLLBACK')
          let deleted = 0
          const cleanupMs = await timed(async () => {
            deleted = (await app.connectionLogs.cleanup(false)).deleted
          })
          if (deleted !== logs) throw new Error(`Expected ${logs} logs to be deleted, got ${deleted}.`)
          rounds.push({ logs, deleteMs, cleanupMs, ratio: deleteMs / cleanupMs })
          say(`Round ${round}: DELETE ${Math.round(deleteMs)} ms, cleanup ${cleanupMs.toFixed(1)} ms`)
        }
      } finally {
        await client.end()
        await app.stop()
      }
      return {
        ratios: { R1: spread(rounds.map(({ ratio }) => ratio)) },
        details: {
          deleteMs: median(rounds.map(({ deleteMs }) => deleteMs)),
          cleanupMs: median(rounds.map(({ cleanupMs }) => cleanupMs)),
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
