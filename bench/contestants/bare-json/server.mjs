// The limit of what Node can do: `node:http` and `pg`, Postgres writes the JSON text of the whole answer and Node passes
// it on without a look.
// Follows https://node-postgres.com/features/queries#prepared-statements and
// https://www.postgresql.org/docs/current/functions-json.html
import pg from 'pg'
import { LIMIT, expiredThrough, pgPoolOptions, serve, tenantOf } from '../service.mjs'

const pool = new pg.Pool(pgPoolOptions)

const STATUS = `CASE WHEN event_type IN ('connect_success', 'reconnect_success') THEN 'SUCCESS'
        WHEN event_type IN ('connect_failed', 'reconnect_failed') THEN 'FAILED' END`

const PAGE = `
WITH page AS (
  SELECT json_build_object(
    'id', id, 'userId', user_id, 'profileId', profile_id, 'accountId', account_id,
    'platform', upper(platform), 'eventType', upper(event_type), 'status', ${STATUS},
    'connectionMethod', upper(connection_method),
    'success', CASE WHEN success IS NOT NULL THEN json_build_object('displayName', success -> 'displayName',
      'username', success -> 'username', 'accountType', success -> 'accountType') END,
    'error', CASE WHEN error IS NOT NULL THEN json_build_object('code', error -> 'code', 'message', error -> 'message') END,
    'context', json_build_object('hasCustomRedirectUrl', context -> 'hasCustomRedirectUrl',
      'isHeadlessMode', context -> 'isHeadlessMode', 'isReconnection', context -> 'isReconnection',
      'isBYOK', context -> 'isBYOK'),
    'durationMs', duration_ms, 'metadata', metadata,
    'createdAt', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
  ) AS log
  -- Cut out first: the rows that are passed over would be made into JSON as well.
  FROM (
    SELECT * FROM connection_logs
    WHERE user_id = $1 AND created_at > $2
    ORDER BY created_at DESC, id DESC
    LIMIT ${LIMIT} OFFSET $3
  ) AS l
), matches AS (
  SELECT count(*) AS total FROM connection_logs WHERE user_id = $1 AND created_at > $2
)
SELECT json_build_object('data', json_build_object('connectionLogs', json_build_object(
  'logs', (SELECT coalesce(json_agg(log), '[]') FROM page),
  'pagination', json_build_object('total', total, 'limit', ${LIMIT}, 'skip', $3::int,
    'pages', (total + ${LIMIT - 1}) / ${LIMIT}, 'hasMore', $3::int + ${LIMIT} < total))))::text AS body
FROM matches`

serve(async (request, response) => {
  try {
    const userId = tenantOf(request.headers.authorization)
    const skip = Number(new URL(request.url, 'http://localhost').searchParams.get('skip'))
    const { rows } = await pool.query({
      name: 'page',
      text: PAGE,
      values: [userId, expiredThrough(), skip],
    })
    const { body } = rows[0]
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    response.end(body)
  } catch (error) {
    response.writeHead(500).end(String(error))
  }
})
