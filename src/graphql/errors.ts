import { GraphQLError, type GraphQLErrorOptions } from 'graphql'
import { AppError, ERROR_STATUS, type ErrorCode } from '../kernel/errors.ts'

/** The one sentence for whatever went wrong on our side. */
const INTERNAL_MESSAGE = 'Something went wrong on our side.'

/** For scalars: a value that cannot be read. GraphQL adds where it stood. */
export function invalidValue(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' satisfies ErrorCode } })
}

/**
 * Any failure as callers see it: AppErrors with their code, GraphQL's own complaints as BAD_USER_INPUT, and all else
 * as INTERNAL without a word of what it was. The failure itself stays in `originalError`, for our log.
 */
export function toPublicError(error: unknown): GraphQLError {
  const at = error instanceof GraphQLError ? placeOf(error) : {}
  const cause = rootCause(error)
  if (cause instanceof AppError) return fromAppError(cause, at)
  if (cause instanceof GraphQLError) return fromGraphQL(cause, at)
  return new GraphQLError(INTERNAL_MESSAGE, {
    ...at,
    originalError: cause instanceof Error ? cause : new Error(String(cause)),
    extensions: { code: 'INTERNAL' satisfies ErrorCode },
  })
}

/** An AppError as GraphQL sends it. */
export function fromAppError(error: AppError, at: GraphQLErrorOptions = {}): GraphQLError {
  const { code, message, index, retryAfterSeconds } = error
  return new GraphQLError(message, {
    ...at,
    extensions: {
      code,
      ...(index === undefined ? {} : { index }),
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
  })
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

function fromGraphQL(error: GraphQLError, at: GraphQLErrorOptions): GraphQLError {
  const { code, http, ...extensions } = error.extensions
  const status = http?.status
  const known = typeof code === 'string' && Object.hasOwn(ERROR_STATUS, code) ? code : codeOfStatus(status)
  return new GraphQLError(error.message, {
    ...placeOf(error),
    ...at,
    extensions: { ...extensions, code: known, ...(http === undefined ? {} : { http }) },
  })
}

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
