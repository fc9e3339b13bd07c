// Fastify and Mercurius with compiled execution, over `pg`: the fastest GraphQL server for Node in public comparisons.
// Follows https://mercurius.dev/#/docs/api/options (jit) and https://mercurius.dev/#/docs/context
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import { GraphQLScalarType } from 'graphql'
import mercurius from 'mercurius'
import pg from 'pg'
import { LIMIT, expiredThrough, paginationOf, pgPoolOptions, ready, tenantOf } from '../service.mjs'

const pool = new pg.Pool(pgPoolOptions)

// Enum values leave Postgres as the schema spells them, so that most fields need no resolver.
const PAGE = `
SELECT id, user_id AS "userId", profile_id AS "profileId", account_id AS "accountId", upper(platform) AS platform,
  upper(event_type) AS "eventType", upper(connection_method) AS "connectionMethod", success, error, context,
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

const resolvers = {
  DateTime: new GraphQLScalarType({ name: 'DateTime', serialize: (date) => date.toISOString() }),
  JSONObject: new GraphQLScalarType({ name: 'JSONObject', serialize: (value) => value }),
  ConnectionLog: {
    status: ({ eventType }) =>
      eventType.endsWith('_SUCCESS') ? 'SUCCESS' : eventType.endsWith('_FAILED') ? 'FAILED' : null,
  },
  Query: {
    connectionLogs: async (_, { skip }, { userId }) => {
      const { rows, total } = await pageOf(userId, skip)
      return { logs: rows, pagination: paginationOf(total, skip) }
    },
  },
}

const app = Fastify()
app.register(mercurius, {
  schema: readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8'),
  resolvers,
  jit: 1,
  context: (request) => ({ userId: tenantOf(request.headers.authorization) }),
})
await app.listen({ port: 0, host: '127.0.0.1' })
ready(app.server.address().port)
