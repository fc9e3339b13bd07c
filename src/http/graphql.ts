import { type DocumentNode, GraphQLError, type GraphQLSchema, NoSchemaIntrospectionCustomRule } from 'graphql'
import { type Plugin, createYoga } from 'graphql-yoga'
import type { Context } from '../graphql/context.ts'
import { toPublicError, withRequestId } from '../graphql/errors.ts'
import { describeInvalidValues, withoutSuggestions } from '../graphql/validation.ts'
import type { Logger } from '../kernel/logger.ts'

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
 * preflight), its CORS that answers any origin, its pages, batching, 25 MB bodies.
 */
export function createGraphql({
  schema,
  endpoint,
  introspection,
  maxBodyBytes,
  logger,
}: GraphqlOptions): GraphqlHandler {
  const yoga = createYoga<GraphqlContext>({
    schema,
    graphqlEndpoint: endpoint,
    graphiql: false,
    landingPage: false,
    cors: false,
    multipart: false,
    batching: false,
    maxRequestBodySize: maxBodyBytes,
    logging: false,
    maskedErrors: { maskError: toPublicError },
    plugins: [validation(introspection), closing(logger)],
  })
  return async (request, context) => yoga.fetch(request, context)
}

/** Refuses introspection where it is off, and lets complaints about literals name the field they are about. */
function validation(introspection: boolean): Plugin {
  return {
    onValidate: ({ addValidationRule, params }) => {
      if (!introspection) addValidationRule(NoSchemaIntrospectionCustomRule)
      return ({ result, setResult }) => {
        if (result.length === 0) return
        const errors = describeInvalidValues(params.documentAST as DocumentNode, result as GraphQLError[])
        setResult(introspection ? errors : errors.map(withoutSuggestions))
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
