import { Request as FastRequest } from '@whatwg-node/fetch'
import {
  type DocumentNode,
  type ExecutionArgs,
  type GraphQLError,
  type GraphQLSchema,
  Kind,
  NoSchemaIntrospectionCustomRule,
  OperationTypeNode,
  execute,
  getOperationAST,
} from 'graphql'
import { type GraphQLParams, type Plugin, createYoga } from 'graphql-yoga'
import type { Context } from '../graphql/context.ts'
import type { Gate } from '../graphql/gate.ts'
import { refused, toPublicError } from '../graphql/errors.ts'
import { subscribeTogether } from '../graphql/subscribe-together.ts'
import { describeInvalidValues } from '../graphql/validation.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError, show } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { YieldIfLong } from '../kernel/yield-if-long.ts'
import { readParameters } from './graphql-request.ts'
import { createDocumentCache } from './document-cache.ts'
import { type ExecutionContext, responding } from './graphql-response.ts'
import { acceptableFor, requireAcceptable } from './media-type.ts'
import { type Observer, type Sighting, UNOBSERVED } from './observer.ts'
import { oneRootPerTurn } from './one-root-per-turn.ts'
import { stopWhenOver } from './stop-when-over.ts'
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
  /** Reads the body of the request. @throws {AppError} for one that is too large or does not come */
  readBody(maxBytes: number): Promise<Uint8Array>
  /**
   * Counts the request as work. Never called for subscriptions, which have a bound of their own: to begin one is to wait
   * for the feed, and says nothing of how fast the service works.
   * @param waitedMs how long it has waited for other work since it arrived
   * @throws {AppError} RATE_LIMITED, SERVICE_UNAVAILABLE
   */
  enter(waitedMs?: number): void
  /** Aborted when the time of the request is over, or its client has gone. */
  readonly signal?: () => AbortSignal
}

export interface GraphqlOptions {
  readonly schema: GraphQLSchema
  readonly endpoint: string
  readonly introspection: boolean
  readonly maxBodyBytes: number
  readonly yieldIfLong: YieldIfLong
  /** How often a subscription says that it is alive, in milliseconds. */
  readonly heartbeatMs: number
  readonly maxResponseBytes: number
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
  const answerByExecution = createExecution(options)
  return async (request, context) => {
    if (request.method === 'HEAD') throw methodNotAllowed(['GET', 'POST'], 'HEAD')
    const parameters = findDocument(
      await readParameters(request, () => context.readBody(options.maxBodyBytes), options.yieldIfLong),
    )
    const { query = '', operationName, variables, extensions } = parameters
    // To parse and to check a document takes milliseconds, and many may come at the same moment.
    const arrivedAtMs = options.clock.steadyMs()
    await options.yieldIfLong()
    const waitedMs = options.clock.steadyMs() - arrivedAtMs
    const admitted = gate.admit(query, operationName)
    if (!admitted) {
      context.enter()
      return answerByExecution(request, parameters, context)
    }
    const accept = request.headers.get('accept')
    const acceptable = acceptableFor(accept)
    const answered = async () => {
      const { operation } = admitted.operation
      if (operation === OperationTypeNode.MUTATION && request.method !== 'POST')
        throw methodNotAllowed(['POST'], request.method, ' for a mutation')
      requireAcceptable(acceptable, operation === OperationTypeNode.SUBSCRIPTION, accept)
      const cost = admitted.costOf(variables ?? {})
      if (operation !== OperationTypeNode.SUBSCRIPTION) context.enter(waitedMs)
      onAdmitted?.(cost, context)
      const told = extensions?.['cost'] === true ? { cost: { points: cost, limit: maxCost } } : undefined
      const answer = await answerAsText(acceptable, admitted, { query, variables, told }, context)
      if (answer && 'response' in answer) return answer.response
      return answerByExecution(request, parameters, answer ? failing(context, answer.failure) : context, told)
    }
    return context.seen ? observer.operate(context.seen, admitted.operation, answered) : answered()
  }
}

const methodNotAllowed = (allow: readonly string[], method: string, where = '') =>
  new AppError('BAD_USER_INPUT', `Expected the method to be ${allow.join(' or ')}${where}, got ${method}.`, {
    status: 405,
    headers: { allow: allow.join(', ') },
  })

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
  options: Pick<
    GraphqlOptions,
    | 'schema'
    | 'endpoint'
    | 'introspection'
    | 'heartbeatMs'
    | 'maxResponseBytes'
    | 'clock'
    | 'yieldIfLong'
    | 'logger'
  >,
): GraphqlExecution {
  const { schema, endpoint, introspection } = options
  const yoga = createYoga<ExecutionContext>({
    schema: oneRootPerTurn(stopWhenOver(schema), options.yieldIfLong),
    graphqlEndpoint: endpoint,
    graphiql: false,
    landingPage: false,
    cors: false,
    multipart: false,
    batching: false,
    maxRequestBodySize: false,
    logging: false,
    parserAndValidationCache: { documentCache: createDocumentCache(), errorCache: createDocumentCache() },
    maskedErrors: { maskError: toPublicError },
    plugins: [
      parsed,
      operation,
      validation(introspection),
      executing,
      sharing(options.yieldIfLong),
      responding(options),
    ],
  })
  return async (request, parameters, context, told) => {
    const acceptable = acceptableFor(request.headers.get('accept'))
    return yoga.fetch(atAddress(endpoint, request), { ...context, parameters, told, acceptable })
  }
}

/** Yoga answers at one path only, and a host may have mounted the service below another one. */
function atAddress(endpoint: string, request: Request): Request {
  if (request.url.endsWith(endpoint)) return request
  const { method, headers, signal } = request
  return new FastRequest(`http://localhost${endpoint}`, {
    method,
    headers: Object.fromEntries(headers),
    signal,
  })
}

/** Gives Yoga what {@link readParameters} has read. */
const parsed: Plugin<object, ExecutionContext> = {
  onRequestParse: ({ serverContext, setRequestParser }) => setRequestParser(() => serverContext.parameters),
}

/** GraphQL's own execution. Yoga's puts fields into the answer as they become ready and not as they were asked for. */
const executing: Plugin = {
  onExecute: ({ setExecuteFn }) => setExecuteFn(execute),
}

/** Subscribers who ask for the same share what comes of an event. */
const sharing = (yieldIfLong: YieldIfLong): Plugin => ({
  onSubscribe: ({ setSubscribeFn }) =>
    setSubscribeFn((args: ExecutionArgs) => subscribeTogether(args, yieldIfLong)),
})

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
