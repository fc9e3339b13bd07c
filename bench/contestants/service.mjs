import { createServer } from 'node:http'

/**
 * What every contestant but connlog shares: where the database is, who asks, since when logs count, and how it says
 * that it is ready. Keys are looked up in memory, which is less than connlog does for its own.
 */

const DAY_MS = 86_400_000

export const databaseUrl = process.env.DATABASE_URL
export const poolSize = Number(process.env.POOL_SIZE)
export const LIMIT = 50

/** Pools that let no connection go, so that the CPU time of its backend can be read at any time. */
export const pgPoolOptions = { connectionString: databaseUrl, max: poolSize, idleTimeoutMillis: 0 }

const userIdsByKey = new Map(Object.entries(JSON.parse(process.env.BENCH_KEYS)))

/**
 * The tenant that a key belongs to.
 * @param {string | undefined} authorization the header
 */
export function tenantOf(authorization) {
  const userId = userIdsByKey.get(authorization?.slice('Bearer '.length))
  if (userId === undefined) throw new Error('Unauthorized')
  return userId
}

/** Logs expire after seven days, whoever serves them. */
export const expiredThrough = () => new Date(Date.now() - 7 * DAY_MS)

export const paginationOf = (total, skip) => ({
  total,
  limit: LIMIT,
  skip,
  pages: Math.ceil(total / LIMIT),
  hasMore: skip + LIMIT < total,
})

/** @param {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => unknown} listener */
export function serve(listener) {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1', () => ready(server.address().port))
}

/** The line that the bench waits for. */
export const ready = (port) => process.stdout.write(`listens on http://127.0.0.1:${port}\n`)

// Whatever becomes of the bench, nothing that it started stays behind.
process.stdin.resume().on('end', () => process.exit())
