import type { Principal } from '../auth/principal.ts'
import { readChunks, readJson, requireMediaType } from '../http/body.ts'
import { type Route, json } from '../http/route.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { type Logger, logFailure } from '../kernel/logger.ts'
import type { ConnectionLogs } from './connection-logs.ts'
import { NDJSON, answerEachLine } from './line-answers.ts'
import { type IngestSummary, ingestEachLine, ingestLines } from './ndjson.ts'
import { ingestJson, listLogs } from './rest.ts'

export interface ConnectionLogRouteOptions {
  readonly logsOf: (principal: Principal) => ConnectionLogs
  readonly retentionMs: number
  readonly maxBodyBytes: number
  readonly clock: Clock
  readonly logger: Logger
}

/** The REST twin: what Late's clients read, and the same path for those who write. */
export function connectionLogRoute({
  logsOf,
  retentionMs,
  maxBodyBytes,
  clock,
  logger,
}: ConnectionLogRouteOptions): Route {
  async function ingest(request: Request, logs: ConnectionLogs, requestId: string): Promise<Response> {
    if (!request.headers.get('accept')?.includes(NDJSON)) return json(await summary(request, logs))
    return answerEachLine(ingestEachLine(readChunks(request), logs, clock), (error) => {
      if (!request.signal.aborted) logFailure(error, { requestId }, logger)
    })
  }

  async function summary(request: Request, logs: ConnectionLogs): Promise<IngestSummary> {
    let soFar: IngestSummary | undefined
    try {
      return await ingestLines(readChunks(request), logs, clock, {
        onProgress: (summary) => (soFar = summary),
      })
    } catch (error) {
      throw soFar && error instanceof AppError ? stopped(error, soFar) : error
    }
  }

  return {
    path: '/api/v1/connections/logs',
    methods: {
      GET: {
        needs: 'logs:read',
        run: async (request, principal) => {
          const { searchParams } = new URL(request.url)
          return json(await listLogs(searchParams, logsOf(principal), retentionMs))
        },
      },
      POST: {
        needs: 'logs:write',
        run: async (request, principal, requestId) => {
          const type = requireMediaType(request, ['application/json', NDJSON])
          if (type === NDJSON) return ingest(request, logsOf(principal), requestId)
          return json(await ingestJson(await readJson(request, maxBodyBytes), logsOf(principal)))
        },
      },
    },
  }
}

/** Says of a stream that could not go on what had become of its lines by then. */
const stopped = (error: AppError, { accepted, duplicates, rejected }: IngestSummary): AppError =>
  new AppError(
    error.code,
    `${error.message} Of the lines before, ${accepted} were stored, ${duplicates} were there already, ${rejected} were rejected.`,
    { cause: error, retryAfterSeconds: error.retryAfterSeconds },
  )
