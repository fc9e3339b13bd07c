import { type ASTNode, GraphQLError, type GraphQLErrorOptions } from 'graphql'
import { AppError, ERROR_STATUS, type ErrorCode } from '../kernel/errors.ts'
import { withoutValues } from './messages.ts'

/** The one sentence for whatever went wrong on our side. */
export const INTERNAL_MESSAGE = 'Something went wrong on our side.'

/** For scalars: a value that cannot be read. `node` is where it stands; GraphQL adds it for values of variables. */
export function invalidValue(message: string, node?: ASTNode): GraphQLError {
  const extensions = { code: 'BAD_USER_INPUT' satisfies ErrorCode }
  return new GraphQLError(message, { nodes: node ?? null, extensions })
}

/**
 * Any failure as callers see it: AppErrors with their code, GraphQL's own complaints as BAD_USER_INPUT, and all else
 * as INTERNAL without a word of what it was. The failure itself stays in `originalError`, for our log.
 */
export function toPublicError(error: unknown): GraphQLError {
  const at = error instanceof GraphQLError ? placeOf(error) : {}
  const cause = rootCause(error)
  if (cause instanceof AppError) return fromAppError(cause, at)
  if (error instanceof GraphQLError && cause instanceof GraphQLError) return fromGraphQL(error)
  return new GraphQLError(INTERNAL_MESSAGE, {
    ...at,
    originalError: cause instanceof Error ? cause : new Error(String(cause)),
    extensions: { code: 'INTERNAL' satisfies ErrorCode },
  })
}

/** An AppError as GraphQL sends it. */
export const fromAppError = (error: AppError, at: GraphQLErrorOptions = {}): GraphQLError =>
  new GraphQLError(error.message, { ...at, originalError: error, extensions: extensionsOf(error) })

/** What an AppError tells beside its sentence. */
export const extensionsOf = ({ code, index, retryAfterSeconds, cursor }: AppError) => ({
  code,
  ...(index === undefined ? {} : { index }),
  ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  ...(cursor === undefined ? {} : { cursor }),
})

/** An AppError that refuses the whole request, with its HTTP status. */
export function refused(error: AppError): GraphQLError {
  const { message, extensions } = fromAppError(error)
  return new GraphQLError(message, { extensions: { ...extensions, http: { status: error.status } } })
}

/** The same error with another sentence. */
export function withMessage(error: GraphQLError, message: string): GraphQLError {
  return new GraphQLError(message, { ...placeOf(error), extensions: error.extensions })
}

/** The same error with the id by which our log knows the request. */
export function withRequestId(error: GraphQLError, requestId: string): GraphQLError {
  return new GraphQLError(error.message, {
    ...placeOf(error),
    extensions: { ...error.extensions, requestId },
  })
}

/** The same error without `extensions.http`, which is for the server: Yoga puts the HTTP status there. */
export function withoutStatus(error: GraphQLError): GraphQLError {
  const { http, ...extensions } = error.extensions
  return http === undefined ? error : new GraphQLError(error.message, { ...placeOf(error), extensions })
}

/** The outermost sentence says the most: of a value in a variable, it alone says where it stands. */
function fromGraphQL(error: GraphQLError): GraphQLError {
  const { code, http, ...extensions } = error.extensions
  const status = http?.status
  const known = typeof code === 'string' && Object.hasOwn(ERROR_STATUS, code) ? code : codeOfStatus(status)
  return new GraphQLError(advised(withoutValues(error.message)), {
    ...placeOf(error),
    extensions: { ...extensions, code: known, ...(http === undefined ? {} : { http }) },
  })
}

/** Digits that were lost are refused by GraphQL itself, for parseJson gives it no number then; it does not say why. */
const ID_AS_NUMBER = /ID cannot represent value: -?\d[\d.eE+-]*$/
const SEND_AS_TEXT = `Send an id as text: a number loses digits beyond ${Number.MAX_SAFE_INTEGER}.`

/** A number in the place of an input object that loses digits has a field of ours (kernel/parse-json.ts). */
const NUMBER_AS_OBJECT =
  /(?<=got invalid value (?:-?\d[\d.eE+-]*|a number)(?: at "[^"]*")?; )Field "digits" is not defined by type ("\w+")\./

const advised = (message: string) =>
  ID_AS_NUMBER.test(message)
    ? `${message}. ${SEND_AS_TEXT}`
    : message.replace(NUMBER_AS_OBJECT, 'Expected type $1 to be an object.')

const codeOfStatus = (status: number | undefined): ErrorCode =>
  status === 413 ? 'PAYLOAD_TOO_LARGE' : 'BAD_USER_INPUT'

function placeOf({ nodes, source, positions, path }: GraphQLError): GraphQLErrorOptions {
  return { nodes: nodes ?? null, source: source ?? null, positions: positions ?? null, path: path ?? null }
}

function rootCause(error: unknown): unknown {
  let cause = error
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError
  return cause
}
