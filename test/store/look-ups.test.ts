import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { connectionLogKind } from '../../src/connections/kind.ts'
import { PLANNING } from '../../src/database/postgres/planning.ts'
import { postgresDialect } from '../../src/database/postgres/dialect.ts'
import { startTestApp } from '../support/app.ts'
import { undoneAfterEach } from '../support/undo.ts'

const undo = undoneAfterEach()
const { table } = connectionLogKind
const EVENTS = 300

/** Pages of the event ids of some days and of the log: what one look-up by whole keys may read. */
const ENOUGH_FOR_ONE = 40

const eventId = (index: number) => `event-${index}`
const numbered = Array.from({ length: EVENTS }, (_, index) => index)

/** What a look-up was that left the order of its joins to the planner. */
const naive = `
  SELECT e.user_id, e.event_id, row_to_json(r)::text AS log
  FROM unnest($1::text[], $2::text[]) AS w(user_id, event_id)
  JOIN ${table.eventIds} AS e ON e.user_id = w.user_id AND e.event_id = w.event_id
  JOIN LATERAL (
    SELECT l.* FROM ${table.name} AS l
    WHERE l.user_id = e.user_id AND l.created_at = e.created_at AND l.id = e.log_id
  ) AS r ON TRUE
  WHERE e.created_at > $3::timestamptz`

describe('events of one user, on a Postgres that has no statistics yet', () => {
  it('are looked up each by its whole key, whatever the planner believes', async () => {
    const app = await startTestApp('postgres')
    const event = { platform: 'reddit', eventType: 'disconnect', connectionMethod: 'oauth' }
    await app.connectionLogs.record(
      numbered.map((index) => ({ value: { ...event, eventId: eventId(index) }, at: '' })),
    )
    const client = new pg.Client(app.url)
    await client.connect()
    undo(() => client.end())
    for (const [name, value] of Object.entries(PLANNING)) await client.query(`SET ${name} = '${value}'`)
    const lists = [numbered.map(() => ''), numbered.map(eventId)].map((list) =>
      client.escapeLiteral(`{${list.map((text) => `"${text}"`).join(',')}}`),
    )
    /** How many logs a look-up finds, and how many pages it reads for each. */
    const measured = async (name: string, text: string) => {
      await client.query(`PREPARE ${name} AS ${text}`)
      const { rows } = await client.query<Record<string, { Plan: Record<string, number> }[]>>(
        `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE ${name}(${lists.join(', ')}, '-infinity')`,
      )
      const plan = rows[0]?.['QUERY PLAN']?.[0]?.Plan
      return {
        found: Number(plan?.['Actual Rows']),
        pages: (Number(plan?.['Shared Hit Blocks']) + Number(plan?.['Shared Read Blocks'])) / EVENTS,
      }
    }
    const ours = await measured('ours', postgresDialect.taken(table, [], 0).text)
    const control = await measured('control', naive)
    expect([ours.found, control.found]).toEqual([EVENTS, EVENTS])
    expect(ours.pages).toBeLessThan(ENOUGH_FOR_ONE)
    expect(control.pages).toBeGreaterThan(ENOUGH_FOR_ONE * 4)
  })
})
