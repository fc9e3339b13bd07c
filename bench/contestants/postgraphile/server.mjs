// PostGraphile 5: its schema comes from the table, the tenant's page is one more field of the kind that its guide calls
// the bread and butter of customising. Needs Node 22, so it runs on one from the package registry.
// Follows https://postgraphile.org/postgraphile/5/usage-library, …/config, …/extend-schema and
// https://grafast.org/grafast/standard-steps
import { createServer } from 'node:http'
import { TYPES } from 'postgraphile/@dataplan/pg'
import { makePgService } from 'postgraphile/adaptors/pg'
import { connection, context, lambda } from 'postgraphile/grafast'
import { grafserv } from 'postgraphile/grafserv/node'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'
import { extendSchema } from 'postgraphile/utils'
import { postgraphile } from 'postgraphile'
import { databaseUrl, expiredThrough, pgPoolOptions, ready, tenantOf } from '../service.mjs'

const { connectionString: _, ...poolConfig } = pgPoolOptions

const statusOf = (eventType) =>
  eventType.endsWith('_success') ? 'SUCCESS' : eventType.endsWith('_failed') ? 'FAILED' : null

const connectionLogsOfTenant = extendSchema((build) => {
  const { sql } = build
  const logs = build.pgResources.connection_logs
  const column = (name) => ($log) => $log.get(name)
  return {
    typeDefs: /* GraphQL */ `
      type ConnectionSuccess {
        displayName: String
        username: String
        accountType: String
      }
      type ConnectionError {
        code: String
        message: String
      }
      type ConnectionContext {
        hasCustomRedirectUrl: Boolean
        isHeadlessMode: Boolean
        isReconnection: Boolean
        isBYOK: Boolean
      }
      extend type ConnectionLog {
        status: String
        succeeded: ConnectionSuccess
        failed: ConnectionError
        attempted: ConnectionContext
      }
      extend type Query {
        connectionLogsOfTenant: ConnectionLogConnection
      }
    `,
    objects: {
      ConnectionLog: {
        plans: {
          status: ($log) => lambda($log.get('event_type'), statusOf, true),
          succeeded: column('success'),
          failed: column('error'),
          attempted: column('context'),
        },
      },
      Query: {
        plans: {
          // Arguments of paging are added, and heeded, by PostGraphile itself.
          connectionLogsOfTenant() {
            const $logs = logs.find({ user_id: context().get('userId') })
            const $expiredThrough = context().get('expiredThrough')
            // `placeholder` is what PostGraphile calls a parameter of the statement.
            $logs.where(sql`${$logs}.created_at > ${$logs.placeholder($expiredThrough, TYPES.timestamptz)}`)
            $logs.orderBy({ attribute: 'created_at', direction: 'DESC' })
            $logs.orderBy({ attribute: 'id', direction: 'DESC' })
            return connection($logs)
          },
        },
      },
    },
  }
})

const pgl = postgraphile({
  extends: [PostGraphileAmberPreset],
  plugins: [connectionLogsOfTenant],
  pgServices: [makePgService({ connectionString: databaseUrl, schemas: ['connlog'], poolConfig })],
  grafast: {
    explain: false,
    context: ({ node }) => ({
      userId: tenantOf(node.req.headers.authorization),
      expiredThrough: expiredThrough().toISOString(),
    }),
  },
  grafserv: { graphqlPath: '/graphql', graphiql: false, watch: false },
})

const server = createServer()
await pgl.createServ(grafserv).addTo(server)
await pgl.getSchema()
server.listen(0, '127.0.0.1', () => ready(server.address().port))
