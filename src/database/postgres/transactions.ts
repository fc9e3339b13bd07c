import type { Pool, PoolClient } from 'pg'
import { unavailable } from '../failures.ts'

/**
 * Runs `work` in a transaction of a connection of its own.
 * @throws what `work` throws, and then nothing of it stays; {@link unavailable} if the transaction was not committed
 */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    const result = await work(client)
    const { command } = await client.query('COMMIT')
    // Postgres rolls back what has failed, and says so without an error.
    if (command !== 'COMMIT') throw unavailable(new Error(`COMMIT was answered by ${command}`))
    client.release()
    return result
  } catch (error) {
    client.release(
      await client.query('ROLLBACK').then(
        () => false,
        () => true,
      ),
    )
    throw error
  }
}
