import type { KeyWatch } from '../auth/key-watch.ts'
import type { Principal } from '../auth/principal.ts'
import type { Spending } from '../auth/rate-limit.ts'
import { whileGood } from '../auth/while-good.ts'
import { mediaType, readChunks, requireMediaType } from '../http/body.ts'
import { targetOf } from '../http/request-target.ts'
import { responseJson } from '../http/response-size.ts'
import { type Route, json, jsonResponse } from '../http/route.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { type Logger, logFailure } from '../kernel/logger.ts'
import type { YieldIfLong } from '../kernel/yield-if-long.ts'
import type { ConnectionLogs } from './connection-logs.ts'
import type { Platforms } from './event.ts'
import { NDJSON, answerEachLine } from './line-answers.ts'
import { type IngestSummary, ingestEachLine, ingestLines } from './ndjson.ts'
import { ingestJson, listLogs, requireNoParameters } from './rest.ts'
import { untilStopping } from './until-stopping.ts'

/** Where the REST API is, as in Late's. */
export const LOGS_PATH = '/api/v1/connections/logs'

export interface ConnectionLogRouteOptions {
  readonly logsOf: (principal: Principal, spending: Spending, signal: () => AbortSignal) => ConnectionLogs
  readonly keys: Pick<KeyWatch, 'untilInvalid'>
  readonly retentionMs: number
  readonly platforms: Platforms
  readonly maxBodyBytes: number
  readonly maxResponseBytes: number
  readonly clock: Clock
  readonly yieldIfLong: YieldIfLong
  readonly logger: Logger
  /** Aborted when the service begins to stop. */
  readonly stopping: AbortSignal
}

/** The REST twin: what Late's clients read, and the same path for those who write. */
export function connectionLogRoute({
  logsOf,
  keys,
  retentionMs,
  platforms,
  maxBodyBytes,
  maxResponseBytes,
  clock,
  yieldIfLong,
  logger,
  stopping,
}: ConnectionLogRouteOptions): Route {
  async function ingest(
    request: Request,
    principal: Principal,
    logs: ConnectionLogs,
    requestId: string,
  ): Promise<Response> {
    const chunks = whileGood(untilStopping(readChunks(request), { stopping, clock }), principal, {
      keys,
      clock,
    })
    if (!request.headers.get('accept')?.includes(NDJSON)) return json(await summary(chunks, logs))
    return answerEachLine(ingestEachLine(chunks, logs, { clock, yieldIfLong }), (error) => {
      if (!request.signal.aborted) logFailure(error, { requestId }, logger)
    })
  }

  async function summary(chunks: AsyncIterable<Uint8Array>, logs: ConnectionLogs): Promise<IngestSummary> {
    let soFar: IngestSummary | undefined
    try {
      return await ingestLines(chunks, logs, { clock, yieldIfLong }, (summary) => (soFar = summary))
    } catch (error) {
      throw soFar && error instanceof AppError ? stopped(error, soFar) : error
    }
  }

  return {
    path: LOGS_PATH,
    isStream: (request) => mediaType(request) === NDJSON,
    methods: {
      GET: {
        needs: 'logs:read',
        run: async (request, { principal, spending, signal }) => {
          const page = await listLogs(parametersOf(request), logsOf(principal, spending, signal), {
            retentionMs,
            platforms,
          })
          return jsonResponse(await responseJson(page, { maxResponseBytes, yieldIfLong }), yieldIfLong)
        },
      },
      POST: {
        needs: 'logs:write',
        run: async (request, { principal, requestId, spending, signal, readJson }) => {
          requireNoParameters(parametersOf(request))
          const logs = logsOf(principal, spending, signal)
          const type = requireMediaType(request, ['application/json', NDJSON])
          if (type === NDJSON) return ingest(request, principal, logs, requestId)
          return json(await ingestJson(await readJson(maxBodyBytes, yieldIfLong), logs))
        },
      },
    },
  }
}

const parametersOf = (request: Request) => new URLSearchParams(targetOf(request).query)

/** Says of a stream that could not go on what had become of its lines by then. */
const stopped = (error: AppError, { accepted, duplicates, rejected }: IngestSummary): AppError =>
  new AppError(
    error.code,
    `${error.message} Of the lines before, ${accepted} were stored, ${duplicates} were there already, ${rejected} were rejected.`,
    { cause: error.cause, retryAfterSeconds: error.retryAfterSeconds },
  )
