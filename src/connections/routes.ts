import type { Principal } from '../auth/principal.ts'
import { readChunks, readJson, requireMediaType } from '../http/body.ts'
import { type Route, json } from '../http/route.ts'
import type { ConnectionLogs } from './connection-logs.ts'
import { ingestLines } from './ndjson.ts'
import { ingestJson, listLogs } from './rest.ts'

export interface ConnectionLogRouteOptions {
  readonly logsOf: (principal: Principal) => ConnectionLogs
  readonly retentionMs: number
  readonly maxBodyBytes: number
}

/** The REST twin: what Late's clients read, and the same path for those who write. */
export function connectionLogRoute({ logsOf, retentionMs, maxBodyBytes }: ConnectionLogRouteOptions): Route {
  return {
    path: '/api/v1/connections/logs',
    methods: {
      GET: async (request, principal) => {
        const { searchParams } = new URL(request.url)
        return json(await listLogs(searchParams, logsOf(principal), retentionMs))
      },
      POST: async (request, principal) => {
        const type = requireMediaType(request, ['application/json', 'application/x-ndjson'])
        if (type === 'application/x-ndjson')
          return json(await ingestLines(readChunks(request), logsOf(principal)))
        return json(await ingestJson(await readJson(request, maxBodyBytes), logsOf(principal)))
      },
    },
  }
}
