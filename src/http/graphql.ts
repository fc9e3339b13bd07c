import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  NoSchemaIntrospectionCustomRule,
  getOperationAST,
} from 'graphql'
import { type GraphQLParams, type Plugin, createYoga } from 'graphql-yoga'
import type { Context } from '../graphql/context.ts'
import { refused, toPublicError, withRequestId } from '../graphql/errors.ts'
import { describeInvalidValues, withoutSuggestions } from '../graphql/validation.ts'
import { AppError, show } from '../kernel/errors.ts'
import { type Logger, logFailure } from '../kernel/logger.ts'
import { readParameters } from './graphql-request.ts'
import { createTextAnswers } from './text-answers.ts'

/** What a GraphQL request runs with: what resolvers see, and the id by which our log knows the request. */
export interface GraphqlContext extends Context {
  readonly requestId: string
  /**
   * Pays for an operation whose cost is known, before it is executed and once. Where it is heavier than the token that
   * every request has paid, it takes more of the rate limit.
   * @throws {AppError} RATE_LIMITED
   */
  pay(cost: number): void
}

export interface GraphqlOptions {
  readonly schema: GraphQLSchema
  readonly endpoint: string
  readonly introspection: boolean
  readonly maxBodyBytes: number
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
export function createExecution({
  schema,
  endpoint,
  introspection,
  logger,
}: Omit<GraphqlOptions, 'maxBodyBytes'>): GraphqlExecution {
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
    plugins: [parsed, depth, operation, validation(introspection), closing(introspection, logger)],
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
function closing(introspection: boolean, logger: Logger): Plugin<object, GraphqlContext> {
  return {
    onResultProcess: ({ result, setResult, serverContext }) => {
      if (Array.isArray(result) || !('errors' in result) || !result.errors) return
      const { requestId } = serverContext
      const errors = result.errors.map((error) => {
        if (!(error instanceof GraphQLError)) return error
        if (error.originalError) logFailure(error.originalError, { requestId, path: error.path }, logger)
        if (error.extensions['code'] === 'INTERNAL') return withRequestId(error, requestId)
        return introspection ? error : withoutSuggestions(error)
      })
      setResult({ ...result, errors })
    },
  }
}
