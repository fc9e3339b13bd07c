import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  NoSchemaIntrospectionCustomRule,
  getOperationAST,
} from 'graphql'
import { type GraphQLParams, type Plugin, createYoga, isAsyncIterable } from 'graphql-yoga'
import type { Context } from '../graphql/context.ts'
import { refused, toPublicError, withRequestId } from '../graphql/errors.ts'
import { describeInvalidValues, withoutSuggestions } from '../graphql/validation.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError, ERROR_STATUS, type ErrorCode, show } from '../kernel/errors.ts'
import { type Logger, logFailure } from '../kernel/logger.ts'
import { graphqlFailure } from './failure.ts'
import { readParameters } from './graphql-request.ts'
import { json } from './route.ts'
import { streamOfOne, streamResponse } from './stream.ts'
import { formatFor, multipart, serverSentEvents } from './stream-format.ts'
import { createTextAnswers } from './text-answers.ts'

/** What a GraphQL request runs with: what resolvers see, and the id by which our log knows the request. */
export interface GraphqlContext extends Context {
  readonly requestId: string
}

export interface GraphqlOptions {
  readonly schema: GraphQLSchema
  readonly endpoint: string
  readonly introspection: boolean
  readonly maxBodyBytes: number
  /** How often a subscription says that it is alive, in milliseconds. */
  readonly heartbeatMs: number
  readonly clock: Clock
  readonly logger: Logger
}

export type GraphqlHandler = (request: Request, context: GraphqlContext) => Promise<Response>

/** GraphQL over HTTP: plain pages of logs as the database writes them, all else executed. */
export function createGraphql(options: GraphqlOptions): GraphqlHandler {
  const answerAsText = createTextAnswers(options)
  const execute = createExecution(options)
  return async (request, context) => {
    const parameters = await readParameters(request, options.maxBodyBytes)
    const answer = await answerAsText(request, parameters, context)
    if (answer === undefined) return execute(request, parameters, context)
    return 'response' in answer
      ? answer.response
      : execute(request, parameters, failing(context, answer.failure))
  }
}

/** The same context, in which to read a page fails as it did before. */
const failing = (context: GraphqlContext, failure: unknown): GraphqlContext => ({
  ...context,
  connectionLogs: { ...context.connectionLogs, page: () => Promise.reject(failure) },
})

export type GraphqlExecution = (
  request: Request,
  parameters: GraphQLParams,
  context: GraphqlContext,
) => Promise<Response>

/**
 * Execution by Yoga. What Yoga does by default and must not here is off: forms and multipart bodies (they need no
 * preflight), its CORS that answers any origin, its pages, batching, 25 MB bodies, and its own reading of requests,
 * which puts U+FFFD for bytes that are not UTF-8.
 */
export function createExecution(options: Omit<GraphqlOptions, 'maxBodyBytes'>): GraphqlExecution {
  const { schema, endpoint, introspection } = options
  const yoga = createYoga<ParsedContext>({
    schema,
    graphqlEndpoint: endpoint,
    graphiql: false,
    landingPage: false,
    cors: false,
    multipart: false,
    batching: false,
    maxRequestBodySize: false,
    logging: false,
    maskedErrors: { maskError: toPublicError },
    plugins: [parsed, depth, operation, validation(introspection), closing(options)],
  })
  return async (request, parameters, context) => yoga.fetch(request, { ...context, parameters })
}

interface ParsedContext extends GraphqlContext {
  readonly parameters: GraphQLParams
}

/** Gives Yoga what {@link readParameters} has read. */
const parsed: Plugin<object, ParsedContext> = {
  onRequestParse: ({ serverContext, setRequestParser }) => setRequestParser(() => serverContext.parameters),
}

/** Reading a document goes down as deep as its brackets: where the stack ends, the document is at fault. */
const depth: Plugin = {
  onParse: ({ parseFn, setParseFn }) =>
    setParseFn((source, options) => orTooDeep(() => parseFn(source, options) as unknown)),
  onValidate: ({ validateFn, setValidationFn }) =>
    setValidationFn((...args: Parameters<typeof validateFn>) =>
      orTooDeep(() => validateFn(...args) as unknown),
    ),
}

function orTooDeep<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw refused(new AppError('TOO_COMPLEX', 'Expected `query` to be nested less deeply.'))
  }
}

/** Says which operations a document has if it is not clear which one is meant. */
const operation: Plugin = {
  onParse:
    () =>
    ({ result, context }) => {
      const document = result as DocumentNode | Error | null
      if (document === null || document instanceof Error) return
      const { operationName } = context['params']
      if (getOperationAST(document, operationName)) return
      const names = document.definitions.flatMap((definition) =>
        definition.kind === Kind.OPERATION_DEFINITION
          ? [definition.name?.value ?? 'an operation without a name']
          : [],
      )
      const sentence =
        names.length === 0
          ? 'Expected `query` to have an operation, got none.'
          : `Expected \`operationName\` to be one of ${names.join(', ')}, got ${show(operationName ?? undefined)}.`
      throw refused(new AppError('BAD_USER_INPUT', sentence))
    },
}

/** Refuses introspection where it is off, and lets complaints about literals name the field they are about. */
function validation(introspection: boolean): Plugin {
  return {
    onValidate: ({ addValidationRule, params }) => {
      if (!introspection) addValidationRule(NoSchemaIntrospectionCustomRule)
      return ({ result, setResult }) => {
        if (result.length === 0) return
        const errors = describeInvalidValues(params.documentAST as DocumentNode, result as GraphQLError[])
        setResult(errors.map(toPublicError))
      }
    },
  }
}

/**
 * Writes each fault of ours to the log, once, and puts the request's id beside the code that the caller gets. Where
 * the schema may not be asked for, no error suggests a part of it.
 */
function finished(
  result: ExecutionResult,
  { requestId }: GraphqlContext,
  { introspection, logger }: Pick<GraphqlOptions, 'introspection' | 'logger'>,
): ExecutionResult {
  if (!result.errors) return result
  const errors = result.errors.map((error) => {
    if (!(error instanceof GraphQLError)) return error
    if (error.originalError) logFailure(error.originalError, { requestId, path: error.path }, logger)
    if (error.extensions['code'] === 'INTERNAL') return withRequestId(error, requestId)
    return introspection ? error : withoutSuggestions(error)
  })
  return { ...result, errors }
}

function closing(options: Omit<GraphqlOptions, 'maxBodyBytes'>): Plugin<object, GraphqlContext> {
  return {
    onResultProcess: ({ request, result, setResult, setResultProcessor, serverContext }) => {
      if (Array.isArray(result)) return
      const accept = request.headers.get('accept')
      if (!isAsyncIterable(result)) {
        const closed = finished(result, serverContext, options)
        setResult(closed)
        const isStream = accept?.includes('text/event-stream') && !accept.includes('json')
        // Errors of a subscription that did not begin; those of queries come with data, be it null.
        const isRefused = !('data' in closed) && closed.errors?.[0]?.path !== undefined
        if (closed.errors && (isStream || isRefused))
          setResultProcessor(() => refusal(request, closed), JSON_TYPE)
        return
      }
      const results = result as AsyncIterable<ExecutionResult>
      const format = formatFor(accept)
      setResultProcessor(() => {
        const iterator = results[Symbol.asyncIterator]()
        if (!format) {
          void iterator.return?.()
          return graphqlFailure(notAcceptable(accept), serverContext.requestId)
        }
        const { clock, heartbeatMs } = options
        const { stream: progress } = serverContext.subscription
        const { signal } = request
        return streamResponse(
          finishedEach(iterator, (one) => finished(one, serverContext, options)),
          { format, progress, heartbeatMs, clock, signal },
        )
      }, format?.mediaType ?? JSON_TYPE)
    },
  }
}

const JSON_TYPE = 'application/json'

const finishedEach = (
  results: AsyncIterator<ExecutionResult>,
  finish: (result: ExecutionResult) => ExecutionResult,
): AsyncIterator<ExecutionResult, undefined> => ({
  next: async () => {
    const result = await results.next()
    return result.done ? { done: true, value: undefined } : { done: false, value: finish(result.value) }
  },
  return: async () => {
    await results.return?.()
    return { done: true, value: undefined }
  },
})

const notAcceptable = (accept: string | null) =>
  new AppError(
    'BAD_USER_INPUT',
    `Expected the header \`accept\` to take text/event-stream, as subscriptions are answered, got ${show(accept ?? undefined)}.`,
    { status: 406 },
  )

/**
 * What refuses a subscription. Clients of GraphQL read it from the stream, or the body, that they asked for. A plain
 * EventSource would come back for ever, unless a status tells it not to.
 */
function refusal({ method, headers }: Request, { errors }: ExecutionResult): Response {
  const format = formatFor(headers.get('accept'))
  if (format === serverSentEvents && method !== 'GET') return streamOfOne({ errors: errors ?? [] }, format)
  const code = errors?.[0]?.extensions['code']
  const status = ERROR_STATUS[code as ErrorCode] ?? ERROR_STATUS.INTERNAL
  return json({ errors }, format === multipart ? 200 : status)
}
