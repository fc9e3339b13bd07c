// The yardstick: `node:http` and `pg`, one prepared statement, rows made into JSON by `JSON.stringify`. No GraphQL: what
// the page costs at the least where Node sees the rows.
// Follows https://node-postgres.com/features/queries#prepared-statements
import pg from 'pg'
import { LIMIT, expiredThrough, paginationOf, pgPoolOptions, serve, tenantOf } from '../service.mjs'

const pool = new pg.Pool(pgPoolOptions)

const PAGE = `
SELECT id, user_id AS "userId", profile_id AS "profileId", account_id AS "accountId", platform,
  event_type AS "eventType", connection_method AS "connectionMethod", success, error, context,
  duration_ms AS "durationMs", metadata, created_at AS "createdAt",
  (SELECT count(*)::int FROM connection_logs WHERE user_id = $1 AND created_at > $2) AS total
FROM connection_logs
WHERE user_id = $1 AND created_at > $2
ORDER BY created_at DESC, id DESC
LIMIT ${LIMIT} OFFSET $3`

/** For a page behind the end, which has no row to carry the total. */
const TOTAL = 'SELECT count(*)::int AS total FROM connection_logs WHERE user_id = $1 AND created_at > $2'

async function pageOf(userId, skip) {
  const values = [userId, expiredThrough()]
  const { rows } = await pool.query({ name: 'page', text: PAGE, values: [...values, skip] })
  if (rows.length > 0 || skip === 0) return { rows, total: rows[0]?.total ?? 0 }
  const { total } = (await pool.query({ name: 'total', text: TOTAL, values })).rows[0]
  return { rows, total }
}

serve(async (request, response) => {
  try {
    const userId = tenantOf(request.headers.authorization)
    const skip = Number(new URL(request.url, 'http://localhost').searchParams.get('skip'))
    const { rows, total } = await pageOf(userId, skip)
    const body = JSON.stringify({
      data: { connectionLogs: { logs: rows.map(logOf), pagination: paginationOf(total, skip) } },
    })
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    response.end(body)
  } catch (error) {
    response.writeHead(500).end(String(error))
  }
})

function logOf(row) {
  const { success, error, context } = row
  return {
    id: row.id,
    userId: row.userId,
    profileId: row.profileId,
    accountId: row.accountId,
    platform: row.platform.toUpperCase(),
    eventType: row.eventType.toUpperCase(),
    status: statusOf(row.eventType),
    connectionMethod: row.connectionMethod.toUpperCase(),
    success: success && {
      displayName: success.displayName ?? null,
      username: success.username ?? null,
      accountType: success.accountType ?? null,
    },
    error: error && { code: error.code ?? null, message: error.message ?? null },
    context: {
      hasCustomRedirectUrl: context.hasCustomRedirectUrl ?? null,
      isHeadlessMode: context.isHeadlessMode ?? null,
      isReconnection: context.isReconnection ?? null,
      isBYOK: context.isBYOK ?? null,
    },
    durationMs: row.durationMs,
    metadata: row.metadata,
    createdAt: row.createdAt,
  }
}

const statusOf = (eventType) =>
  eventType.endsWith('_success') ? 'SUCCESS' : eventType.endsWith('_failed') ? 'FAILED' : null
