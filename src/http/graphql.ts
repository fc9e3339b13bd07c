import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  NoSchemaIntrospectionCustomRule,
  getOperationAST,
} from 'graphql'
import { type GraphQLParams, type Plugin, createYoga } from 'graphql-yoga'
import { z } from 'zod'
import type { Context } from '../graphql/context.ts'
import { refused, toPublicError, withRequestId } from '../graphql/errors.ts'
import { describeInvalidValues, withoutSuggestions } from '../graphql/validation.ts'
import { AppError, badInput, show } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { parseInput } from '../kernel/text.ts'
import { readJson } from './body.ts'

/** What a GraphQL request runs with: what resolvers see, and the id by which our log knows the request. */
export interface GraphqlContext extends Context {
  readonly requestId: string
}

export interface GraphqlOptions {
  readonly schema: GraphQLSchema
  readonly endpoint: string
  readonly introspection: boolean
  readonly maxBodyBytes: number
  readonly logger: Logger
}

export type GraphqlHandler = (request: Request, context: GraphqlContext) => Promise<Response>

/**
 * GraphQL over HTTP. What Yoga does by default and must not here is off: forms and multipart bodies (they need no
 * preflight), its CORS that answers any origin, its pages, batching, 25 MB bodies, and its own reading of requests,
 * which puts U+FFFD for bytes that are not UTF-8.
 */
export function createGraphql({
  schema,
  endpoint,
  introspection,
  maxBodyBytes,
  logger,
}: GraphqlOptions): GraphqlHandler {
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
    plugins: [parsed, depth, operation, validation(introspection), closing(logger)],
  })
  return async (request, context) =>
    yoga.fetch(request, { ...context, parameters: await readParameters(request, maxBodyBytes) })
}

interface ParsedContext extends GraphqlContext {
  readonly parameters: GraphQLParams
}

/** Checked and passed on as it is: copies of a schema's own would lose a key such as `__proto__`. */
const jsonObject = z
  .custom<object>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'an object',
  )
  .nullish()

const requestParameters = z.strictObject(
  {
    query: z.string('the text of a GraphQL document'),
    operationName: z.string('the name of an operation').nullish(),
    variables: jsonObject,
    extensions: jsonObject,
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? 'a GraphQL request to have no fields but query, operationName, variables, extensions'
        : 'an object with the field query',
  },
)

/** @throws {AppError} BAD_USER_INPUT or PAYLOAD_TOO_LARGE in the words of the REST side */
async function readParameters(request: Request, maxBodyBytes: number): Promise<GraphQLParams> {
  const given =
    request.method === 'POST' ? await readJson(request, maxBodyBytes) : readUrl(new URL(request.url))
  return parseInput(requestParameters, given, '') as GraphQLParams
}

function readUrl({ searchParams }: URL): unknown {
  const json = (name: string) => {
    const text = searchParams.get(name)
    if (text === null || text === '') return null
    try {
      return JSON.parse(text) as unknown
    } catch {
      throw badInput(name, 'an object as JSON', text)
    }
  }
  return {
    query: searchParams.get('query') ?? undefined,
    operationName: searchParams.get('operationName'),
    variables: json('variables'),
    extensions: json('extensions'),
  }
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
        setResult((introspection ? errors : errors.map(withoutSuggestions)).map(toPublicError))
      }
    },
  }
}

/** Writes each fault of ours to the log, once, and puts the request's id beside the code that the caller gets. */
function closing(logger: Logger): Plugin<object, GraphqlContext> {
  return {
    onResultProcess: ({ result, setResult, serverContext }) => {
      if (Array.isArray(result) || !('errors' in result) || !result.errors) return
      const { requestId } = serverContext
      const errors = result.errors.map((error) => {
        if (!(error instanceof GraphQLError) || error.extensions['code'] !== 'INTERNAL') return error
        logger.error({ err: error.originalError, requestId, path: error.path }, 'a field failed')
        return withRequestId(error, requestId)
      })
      setResult({ ...result, errors })
    },
  }
}
