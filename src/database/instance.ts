import { randomBytes } from 'node:crypto'
import type { Database } from './port.ts'
import { sql } from './sql.ts'

/**
 * A secret of this database, made by whoever asks first and the same for every process on it. A copy of the database
 * has the same one; a new database has another, so that nothing signed with it passes from one to the other.
 */
export function createInstanceSecret(
  database: Pick<Database, 'query' | 'execute' | 'dialect'>,
  now: () => number,
): () => Promise<string> {
  let known: string | undefined
  const read = async () =>
    (await database.query<{ secret: string }>(sql`SELECT secret FROM instance WHERE id = 1`))[0]?.secret
  return async () => {
    known ??= await read()
    if (known === undefined) {
      const secret = randomBytes(32).toString('hex')
      await database.execute(
        sql`INSERT INTO instance (id, secret, created_at) VALUES (1, ${secret}, ${database.dialect.instant(now())}) ON CONFLICT (id) DO NOTHING`,
      )
      known = await read()
    }
    if (known === undefined) throw new TypeError('the database kept no secret')
    return known
  }
}
