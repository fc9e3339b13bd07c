import { INTERNAL_MESSAGE, extensionsOf } from '../graphql/errors.ts'
import { AppError, ERROR_STATUS, type ErrorCode } from '../kernel/errors.ts'
import { acceptableFor, contentTypeOf } from './media-type.ts'
import type { TextAnswer } from './node-listener.ts'
import { GRAPHQL_PATH } from './paths.ts'
import { jsonText } from './route.ts'

/** @param accept the header, for a path whose answers come in more than one media type */
export type Failure = (error: unknown, requestId: string, accept: string | null) => TextAnswer

/** `{"error": …}`, the only form that REST clients of Late know. */
export const restFailure: Failure = (error, requestId) => {
  const known = error instanceof AppError ? error : undefined
  const body = known ? { error: known.message } : { error: INTERNAL_MESSAGE, requestId }
  return jsonText(body, known?.status ?? ERROR_STATUS.INTERNAL, headersOf(known))
}

/**
 * A GraphQL answer without data, for what fails before GraphQL is asked. Clients such as Apollo Client read the errors
 * of one that is no success only in the media type that they have asked for.
 */
export const graphqlFailure: Failure = (error, requestId, accept) => {
  const known = error instanceof AppError ? error : undefined
  const graphqlError = known
    ? { message: known.message, extensions: extensionsOf(known) }
    : { message: INTERNAL_MESSAGE, extensions: { code: 'INTERNAL' satisfies ErrorCode, requestId } }
  return jsonText({ errors: [graphqlError] }, known?.status ?? ERROR_STATUS.INTERNAL, {
    'content-type': contentTypeOf(acceptableFor(accept)),
    ...headersOf(known),
  })
}

/** In the form that clients of a path read. */
export const failureAt = (path: string): Failure => (path === GRAPHQL_PATH ? graphqlFailure : restFailure)

function headersOf(error: AppError | undefined): Record<string, string> {
  return {
    ...(error?.code === 'UNAUTHENTICATED' ? { 'www-authenticate': 'Bearer' } : {}),
    // The rest of a body that comes too slowly is not waited for.
    ...(error?.status === 408 ? { connection: 'close' } : {}),
    ...error?.headers,
    ...(error?.retryAfterSeconds === undefined ? {} : { 'retry-after': String(error.retryAfterSeconds) }),
  }
}
