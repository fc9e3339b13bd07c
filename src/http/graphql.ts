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
import type { Gate } from '../graphql/gate.ts'
import { refused, toPublicError, withRequestId } from '../graphql/errors.ts'
import { subscribeTogether } from '../graphql/subscribe-together.ts'
import { describeInvalidValues, withoutSuggestions } from '../graphql/validation.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError, ERROR_STATUS, type ErrorCode, show } from '../kernel/errors.ts'
import { type Logger, logFailure } from '../kernel/logger.ts'
import { graphqlFailure } from './failure.ts'
import { readParameters } from './graphql-request.ts'
import { contentTypeFor } from './media-type.ts'
import { type Observer, type Sighting, UNOBSERVED } from './observer.ts'
import { json, toResponse } from './route.ts'
import { streamOfOne, streamResponse } from './stream.ts'
import { formatFor, multipart, serverSentEvents } from './stream-format.ts'
import type { DocumentFinder } from './persisted.ts'
import { createTextAnswers } from './text-answers.ts'

/** What a GraphQL request runs with: what resolvers see, and the id by which our log knows the request. */
export interface GraphqlContext extends Context {
  readonly requestId: string
  /** Where to say what becomes of the request. */
  readonly seen?: Sighting
  /**
   * Pays for an operation whose cost is known, before it is executed and once. Where it is heavier than the token that
   * every request has paid, it takes more of the rate limit.
   * @throws {AppError} RATE_LIMITED
   */
  pay(cost: number): void
  /** Aborted when the time of the request is over, or its client has gone. */
  readonly signal?: () => AbortSignal
}

export interface GraphqlOptions {
  readonly schema: GraphQLSchema
  readonly endpoint: string
  readonly introspection: boolean
  readonly maxBodyBytes: number
  /** How often a subscription says that it is alive, in milliseconds. */
  readonly heartbeatMs: number
  readonly clock: Clock
  readonly gate: Gate
  readonly findDocument: DocumentFinder
  /** What an operation may cost, to be told beside its cost. */
  readonly maxCost: number
  /**
   * Called once with what an operation costs, in points, before it is executed; never for one that is refused. What it
   * throws refuses the operation.
   */
  readonly onAdmitted?: (cost: number, context: GraphqlContext) => void
  readonly logger: Logger
  readonly observer?: Observer
}

export type GraphqlHandler = (request: Request, context: GraphqlContext) => Promise<Response>

/**
 * GraphQL over HTTP: whatever passes the gate; plain pages of logs as the database writes them, all else executed.
 * @throws {AppError} what the gate and the reading of the request throw
 */
export function createGraphql(options: GraphqlOptions): GraphqlHandler {
  const { gate, findDocument, maxCost, onAdmitted, observer = UNOBSERVED } = options
  const answerAsText = createTextAnswers(options)
  const execute = createExecution(options)
  return async (request, context) => {
    const parameters = findDocument(await readParameters(request, options.maxBodyBytes))
    const { query = '', operationName, variables, extensions } = parameters
    const admitted = gate.admit(query, operationName)
    if (!admitted) return execute(request, parameters, context)
    const answered = async () => {
      const cost = admitted.costOf(variables ?? {})
      onAdmitted?.(cost, context)
      const told = extensions?.['cost'] === true ? { cost: { points: cost, limit: maxCost } } : undefined
      const answer = await answerAsText(request, admitted, { query, variables, told }, context)
      if (answer && 'response' in answer) return answer.response
      return execute(request, parameters, answer ? failing(context, answer.failure) : context, told)
    }
    return context.seen ? observer.operate(context.seen, admitted.operation, answered) : answered()
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
  told?: object,
) => Promise<Response>

/**
 * Execution by Yoga. What Yoga does by default and must not here is off: forms and multipart bodies (they need no
 * preflight), its CORS that answers any origin, its pages, batching, 25 MB bodies, and its own reading of requests,
 * which puts U+FFFD for bytes that are not UTF-8.
 */
export function createExecution(
  options: Pick<GraphqlOptions, 'schema' | 'endpoint' | 'introspection' | 'heartbeatMs' | 'clock' | 'logger'>,
): GraphqlExecution {
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
    plugins: [parsed, operation, validation(introspection), ending, sharing, closing(options)],
  })
  return async (request, parameters, context, told) => yoga.fetch(request, { ...context, parameters, told })
}

interface ParsedContext extends GraphqlContext {
  readonly parameters: GraphQLParams
  readonly told: object | undefined
}

/** Gives Yoga what {@link readParameters} has read. */
const parsed: Plugin<object, ParsedContext> = {
  onRequestParse: ({ serverContext, setRequestParser }) => setRequestParser(() => serverContext.parameters),
}

/** Execution goes no further once nobody waits for it. A statement under way ends by itself. */
const ending: Plugin<object, GraphqlContext> = {
  onExecute: ({ args }) => {
    const { signal } = args.contextValue as Partial<GraphqlContext>
    if (signal) Object.assign(args, { signal: signal() })
  },
}

/** Subscribers who ask for the same share what comes of an event. */
const sharing: Plugin = {
  onSubscribe: ({ setSubscribeFn }) => setSubscribeFn(subscribeTogether),
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
  // Yoga remembers what came out, and comes with it again when the same document does.
  const told = new WeakSet<GraphQLError>()
  return {
    onValidate: ({ addValidationRule, params }) => {
      if (!introspection) addValidationRule(NoSchemaIntrospectionCustomRule)
      return ({ result, setResult }) => {
        const complaints = result as GraphQLError[]
        if (complaints.every((error) => told.has(error))) return
        const errors = describeInvalidValues(params.documentAST as DocumentNode, complaints).map(
          toPublicError,
        )
        for (const error of errors) told.add(error)
        setResult(errors)
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
  { requestId, told, seen }: ParsedContext,
  { introspection, logger }: Pick<GraphqlOptions, 'introspection' | 'logger'>,
): ExecutionResult {
  // The same object where nothing is added: those who get the same result share it.
  if (!result.errors && !told) return result
  const extensions = told ? { extensions: { ...result.extensions, ...told } } : {}
  if (!result.errors) return { ...result, ...extensions }
  const errors = result.errors.map((error) => {
    if (!(error instanceof GraphQLError)) return error
    if (seen) seen.code ??= error.extensions['code'] as ErrorCode
    if (error.originalError) logFailure(error.originalError, { requestId, path: error.path }, logger)
    if (error.extensions['code'] === 'INTERNAL') return withRequestId(error, requestId)
    return introspection ? error : withoutSuggestions(error)
  })
  return { ...result, errors, ...extensions }
}

function closing(
  options: Pick<GraphqlOptions, 'introspection' | 'heartbeatMs' | 'clock' | 'logger'>,
): Plugin<object, ParsedContext> {
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
          return toResponse(graphqlFailure(notAcceptable(accept), serverContext.requestId, accept))
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
  const accept = headers.get('accept')
  const format = formatFor(accept)
  if (format === serverSentEvents && method !== 'GET') return streamOfOne({ errors: errors ?? [] }, format)
  const code = errors?.[0]?.extensions['code']
  const status = ERROR_STATUS[code as ErrorCode] ?? ERROR_STATUS.INTERNAL
  return json({ errors }, format === multipart ? 200 : status, contentTypeFor(accept))
}
