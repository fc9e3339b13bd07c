import pg from 'pg'
import { createApp } from '../../../dist/app.js'
import { parseConfig } from '../../../dist/config/config.js'
import { silentLogger } from '../../../dist/kernel/logger.js'
import { connlog } from '../connlog.mjs'
import { makeEvents } from '../events.mjs'
import { withOwnDatabase } from '../own-database.mjs'
import { COLUMNS, TABLE, toPostgresRows } from '../rows.mjs'
import { median, spread } from '../statistics.mjs'

const WRITES = 10_000
const CONCURRENT = 256
const POOL_SIZE = 10

/**
 * I2: single events, many at a time, each acknowledged once it is on disk, with those that come together sharing a
 * transaction, against a transaction each: the same checks, redaction, event ids, counts and statements on the same pool,
 * so that nothing but the sharing differs. Beside it stands a bare prepared INSERT of the finished row each, which does
 * none of that work; how much of COPY (I1) any sharing could win over it is bounded by what COPY wins over it.
 * @type {import('../figures.mjs').Measurement}
 */
export const singleWrites = {
  figures: [
    {
      id: 'I2',
      title: 'concurrent single writes a second: sharing transactions against one each',
      must: 4,
      goal: 6,
      reach: 'at least',
    },
  ],
  needs: 'server',

  measure: async ({ options, postgres, random, say }) =>
    withOwnDatabase(postgres.url, 'bench_single', async (url) => {
      await connlog(url, ['migrate'])
      const app = await createApp({
        config: parseConfig({ DATABASE_URL: url, POOL_SIZE: String(POOL_SIZE) }),
        logger: silentLogger,
      })
      const pool = new pg.Pool({ connectionString: url, max: POOL_SIZE })
      // The server ends what is closing when it drops the database; without a listener that ends the process.
      pool.on('error', () => {})
      const text = `INSERT INTO ${TABLE} (${COLUMNS.map(({ name }) => name).join(', ')}) VALUES (${COLUMNS.map((_, index) => `$${index + 1}`).join(', ')})`
      const record = ({ value }) => app.connectionLogs.record([{ value, at: '' }])
      // Lists share with nobody, and this one has one log.
      const alone = ({ value }) => app.connectionLogs.recordEach([{ value, at: '' }])
      const insert = ({ row }) => pool.query({ name: 'insert', text, values: row })
      const rounds = []
      try {
        const writes = options.smoke ? 500 : WRITES
        const make = (name) => {
          const events = makeEvents(random, writes, name)
          const rows = toPostgresRows(events)
          return events.map((value, index) => ({ value, row: rows[index] }))
        }
        for (const work of [record, alone, insert]) await together(make(`warm ${work.name}`), work)
        for (let round = 1; round <= options.rounds; round += 1) {
          const insertMs = await together(make(`insert ${round}`), insert)
          const aloneMs = await together(make(`alone ${round}`), alone)
          await app.counts.merge()
          const recordMs = await together(make(`record ${round}`), record)
          await app.counts.merge()
          rounds.push({
            insertMs,
            aloneMs,
            recordMs,
            ratio: aloneMs / recordMs,
            insertRatio: insertMs / recordMs,
          })
          say(
            `Round ${round}: a transaction each ${perSecond(writes, aloneMs)}, shared ${perSecond(writes, recordMs)}, a bare INSERT each ${perSecond(writes, insertMs)} a second`,
          )
        }
      } finally {
        await pool.end()
        await app.stop()
      }
      return {
        ratios: { I2: spread(rounds.map(({ ratio }) => ratio)) },
        details: {
          concurrent: CONCURRENT,
          aloneMs: median(rounds.map(({ aloneMs }) => aloneMs)),
          insertMs: median(rounds.map(({ insertMs }) => insertMs)),
          againstInsert: spread(rounds.map(({ insertRatio }) => insertRatio)),
          recordMs: median(rounds.map(({ recordMs }) => recordMs)),
          rounds,
        },
      }
    }),
}

/** Does the work for each item, so many at a time. @returns how long all of it takes, in milliseconds */
async function together(items, work) {
  const next = items.values()
  const startMs = performance.now()
  await Promise.all(
    Array.from({ length: CONCURRENT }, async () => {
      for (const item of next) await work(item)
    }),
  )
  return performance.now() - startMs
}

const perSecond = (count, ms) => Math.round((count / ms) * 1_000)
