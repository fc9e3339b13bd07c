import { type ExecutionResult, GraphQLError } from 'graphql'
import { type GraphQLParams, type Plugin, isAsyncIterable } from 'graphql-yoga'
import { LRUCache } from 'lru-cache'
import { refused, withRequestId, withoutStatus } from '../graphql/errors.ts'
import { withoutSuggestions } from '../graphql/validation.ts'
import type { Clock } from '../kernel/clock.ts'
import { type SizedText, boundedJson } from '../kernel/bounded-json.ts'
import { ERROR_STATUS, type ErrorCode } from '../kernel/errors.ts'
import { type Logger, logFailure } from '../kernel/logger.ts'
import type { YieldIfLong } from '../kernel/yield-if-long.ts'
import type { GraphqlContext } from './graphql.ts'
import { type Acceptable, JSON_TYPE, contentTypeOf } from './media-type.ts'
import { responseTooLarge } from './response-size.ts'
import { type WrittenResult, streamOfOne, streamResponse } from './stream.ts'
import { multipart, serverSentEvents } from './stream-format.ts'
import { textResponse } from './text-body.ts'

/** What Yoga runs a request with. */
export interface ExecutionContext extends GraphqlContext {
  readonly parameters: GraphQLParams
  /** Extensions of the answer. */
  readonly told: object | undefined
  readonly acceptable: Acceptable
}

export interface ResponseOptions {
  readonly introspection: boolean
  /** How often a subscription says that it is alive, in milliseconds. */
  readonly heartbeatMs: number
  readonly maxResponseBytes: number
  readonly yieldIfLong: YieldIfLong
  readonly clock: Clock
  readonly logger: Logger
}

/** Writes all responses, in the form that {@link Acceptable} says. Yoga would decide that itself, after execution. */
export function responding(options: ResponseOptions): Plugin<object, ExecutionContext> {
  return {
    onResultProcess: ({ request, result, setResultProcessor, serverContext }) => {
      if (Array.isArray(result)) return
      const write: Parameters<typeof setResultProcessor>[0] = isAsyncIterable(result)
        ? () => streamOf(result as AsyncIterable<ExecutionResult>, request, serverContext, options)
        : (_, { Response }) => responseOf(result, request, serverContext, { ...options, Response })
      setResultProcessor(write, serverContext.acceptable.json ?? JSON_TYPE)
    },
  }
}

function streamOf(
  results: AsyncIterable<ExecutionResult>,
  { signal }: Request,
  context: ExecutionContext,
  options: ResponseOptions,
): Response {
  const { clock, heartbeatMs, yieldIfLong } = options
  const { stream: format = serverSentEvents } = context.acceptable
  const { stream: progress } = context.subscription
  const each = writtenEach(results[Symbol.asyncIterator](), (one) =>
    written(one, context, options, { isShared: true }),
  )
  return streamResponse(each, { format, progress, heartbeatMs, yieldIfLong, clock, signal })
}

/**
 * A single result: as JSON where that is accepted, else as a stream of one. What refuses a subscription comes in the
 * form of its events, except to a plain EventSource, which would come back for ever unless a status stops it.
 */
async function responseOf(
  whole: ExecutionResult,
  { method }: Request,
  context: ExecutionContext,
  options: ResponseOptions & { readonly Response: typeof Response },
): Promise<Response> {
  const { acceptable } = context
  const { yieldIfLong } = options
  const { json, stream } = acceptable
  const { executed, result, text } = await written(whole, context, options, { isShared: false })
  const { errors } = result
  const asJson = (status: number) =>
    textResponse(
      text,
      { status, headers: { 'content-type': contentTypeOf(acceptable) }, yieldIfLong },
      options.Response,
    )
  const isRefusedSubscription = !('data' in result) && errors?.[0]?.path !== undefined
  if (!stream || (json && !isRefusedSubscription)) return asJson(statusOf(executed, json))
  if (stream === multipart && json) return asJson(200)
  if (stream === serverSentEvents && errors && method === 'GET') return asJson(statusOfCode(errors[0]))
  return streamOfOne(text, stream, yieldIfLong)
}

interface Written extends WrittenResult {
  /** The result, or what is sent in place of one that is too large. */
  readonly executed: ExecutionResult
}

/** The JSON of the latest results, so that it is written once for all subscribers who get the same one. */
const texts = new LRUCache<ExecutionResult, SizedText>({
  maxSize: 8_388_608,
  sizeCalculation: ({ bytes }) => bytes,
})
const underWay = new WeakMap<ExecutionResult, Promise<SizedText | undefined>>()

async function sharedJson(
  result: ExecutionResult,
  write: () => Promise<SizedText | undefined>,
): Promise<SizedText | undefined> {
  const before = texts.get(result) ?? underWay.get(result)
  if (before) return before
  const writing = write().finally(() => underWay.delete(result))
  underWay.set(result, writing)
  const text = await writing
  if (text) texts.set(result, text)
  return text
}

/** A result and its text: an error instead if the text is too large. A mutation has been carried out by then. */
async function written(
  executed: ExecutionResult,
  context: ExecutionContext,
  options: ResponseOptions,
  { isShared }: { readonly isShared: boolean },
): Promise<Written> {
  const { maxResponseBytes, yieldIfLong } = options
  const result = finished(executed, context, options)
  const write = () => boundedJson(result, maxResponseBytes, yieldIfLong)
  const text = await (isShared ? sharedJson(result, write) : write())
  if (text) return { executed, result, text }
  const refusal = { errors: [refused(responseTooLarge(maxResponseBytes))] }
  const instead = finished(refusal, context, options)
  const json = JSON.stringify(instead)
  return { executed: refusal, result: instead, text: { pieces: [json], bytes: Buffer.byteLength(json) } }
}

/** A request error has a status, but in `application/json` for what GraphQL itself says of a document. */
function statusOf(result: ExecutionResult, json: Acceptable['json']): number {
  if ('data' in result || !result.errors) return 200
  const statuses = result.errors.map((error) => {
    const { http } = error.extensions
    return http?.spec && json === JSON_TYPE ? 200 : (http?.status ?? statusOfCode(error))
  })
  return Math.max(...statuses)
}

const statusOfCode = (error: GraphQLError | undefined): number =>
  ERROR_STATUS[error?.extensions['code'] as ErrorCode] ?? ERROR_STATUS.INTERNAL

/**
 * Writes each fault of ours to the log, once, and puts the request's id beside the code that the caller gets. Where
 * the schema may not be asked for, no error suggests a part of it.
 */
function finished(
  result: ExecutionResult,
  { requestId, told, seen, signal }: ExecutionContext,
  { introspection, logger }: ResponseOptions,
): ExecutionResult {
  // The same object where nothing is added: those who get the same result share it.
  if (!result.errors && !told) return result
  const extensions = told ? { extensions: { ...result.extensions, ...told } } : {}
  // Nobody reads the answer of a request that is over.
  if (!result.errors || signal?.().aborted) return { ...result, ...extensions }
  const errors = result.errors.map((error) => {
    if (!(error instanceof GraphQLError)) return error
    if (seen) seen.code ??= error.extensions['code'] as ErrorCode
    if (error.originalError) logFailure(error.originalError, { requestId, path: error.path }, logger)
    const sent = withoutStatus(error)
    if (error.extensions['code'] === 'INTERNAL') return withRequestId(sent, requestId)
    return introspection ? sent : withoutSuggestions(sent)
  })
  return { ...result, errors, ...extensions }
}

const writtenEach = (
  results: AsyncIterator<ExecutionResult>,
  write: (result: ExecutionResult) => Promise<WrittenResult>,
): AsyncIterator<WrittenResult, undefined> => ({
  next: async () => {
    const result = await results.next()
    return result.done ? { done: true, value: undefined } : { done: false, value: await write(result.value) }
  },
  return: async () => {
    await results.return?.()
    return { done: true, value: undefined }
  },
})
