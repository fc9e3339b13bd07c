import { randomBytes } from 'node:crypto'
import { SECOND_MS } from '../kernel/clock.ts'
import { DatabaseOpenError } from './open-error.ts'
import type { Database } from './port.ts'
import { sql } from './sql.ts'

type InstanceDatabase = Pick<Database, 'query' | 'execute' | 'dialect'>

/** What this database knows of itself is one row, made by whoever comes first. */
export async function ensureInstance(database: InstanceDatabase, nowMs: number): Promise<void> {
  const secret = randomBytes(32).toString('hex')
  await database.execute(
    sql`INSERT INTO instance (id, secret, created_at) VALUES (1, ${secret}, ${database.dialect.instant(nowMs)}) ON CONFLICT (id) DO NOTHING`,
  )
}

/**
 * A secret of this database, made by whoever asks first and the same for every process on it. A copy of the database
 * has the same one; a new database has another, so that nothing signed with it passes from one to the other.
 */
export function createInstanceSecret(database: InstanceDatabase, now: () => number): () => Promise<string> {
  let known: string | undefined
  const read = async () =>
    (await database.query<{ secret: string }>(sql`SELECT secret FROM instance WHERE id = 1`))[0]?.secret
  return async () => {
    known ??= await read()
    if (known === undefined) {
      await ensureInstance(database, now())
      known = await read()
    }
    if (known === undefined) throw new TypeError('the database kept no secret')
    return known
  }
}

/** What the services of a database say of how long they keep logs. */
export interface RetentionClaim {
  readonly days: number
  /** Whether a service has said so lately, and so may be running. */
  readonly isFresh: boolean
}

/** A service that has not said for so long how long it keeps logs is taken to have ended. */
export const CLAIM_LASTS_MS = 60 * SECOND_MS

/** The migration that lets a database remember its retention. */
const REMEMBERED_SINCE = '0003_retention'

/** How long logs are kept in this database; undefined until a service has said so. */
export async function readRetention(
  database: Pick<Database, 'query' | 'dialect'>,
): Promise<RetentionClaim | undefined> {
  const [row] = await database.query<{ days: number | null; age_ms: number | bigint | null }>(
    sql`SELECT retention_days AS days, now_ms - retention_claimed_ms AS age_ms
      FROM instance, (${database.dialect.now()}) AS n WHERE id = 1`,
  )
  if (!row || row.days === null) return undefined
  return { days: row.days, isFresh: row.age_ms !== null && !(Number(row.age_ms) >= CLAIM_LASTS_MS) }
}

/** As {@link readRetention}, of a database that may not be migrated yet: it then remembers nothing. */
export async function rememberedRetention(
  database: Pick<Database, 'query' | 'dialect' | 'migrations'>,
): Promise<RetentionClaim | undefined> {
  try {
    if ((await database.migrations.pending()).includes(REMEMBERED_SINCE)) return undefined
  } catch (error) {
    // Not one that can be used; who comes to use it is told why.
    if (error instanceof DatabaseOpenError) return undefined
    throw error
  }
  return readRetention(database)
}

/**
 * Says for a service how long it keeps logs. Of several that run, the one that keeps them longest prevails: the word of
 * a shorter one counts only once nobody has asked for longer for {@link CLAIM_LASTS_MS}.
 * @returns what holds now
 */
export async function claimRetention(
  database: InstanceDatabase,
  days: number,
  nowMs: number,
): Promise<number> {
  await ensureInstance(database, nowMs)
  const databaseNow = sql`(SELECT now_ms FROM (${database.dialect.now()}) AS n)`
  await database.execute(
    sql`UPDATE instance SET retention_days = ${days}, retention_claimed_ms = ${databaseNow}
      WHERE id = 1 AND (retention_days IS NULL OR retention_days <= ${days} OR retention_claimed_ms IS NULL
        OR retention_claimed_ms <= ${databaseNow} - ${CLAIM_LASTS_MS})`,
  )
  const held = await readRetention(database)
  if (!held) throw new TypeError('the database did not keep the retention')
  return held.days
}

/** A demo that was begun so long ago and has no key yet was begun by a process that is gone. */
const DEMO_LASTS_MS = 60 * SECOND_MS

/**
 * Whether it falls to this process to make the demo: to one of those that start at once on an empty database. It is the
 * row 2 of the table whose row 1 is the database's own.
 */
export async function claimDemo(database: InstanceDatabase, nowMs: number): Promise<boolean> {
  const { instant } = database.dialect
  const claimed = await database.execute(
    sql`INSERT INTO instance (id, secret, created_at) VALUES (2, 'demo', ${instant(nowMs)})
      ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at
      WHERE instance.created_at < ${instant(nowMs - DEMO_LASTS_MS)}`,
  )
  return claimed === 1
}
