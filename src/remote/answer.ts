import { z } from 'zod'
import { AppError, ERROR_STATUS, type ErrorCode } from '../kernel/errors.ts'
import { visible } from '../kernel/visible.ts'

const resultSchema = z.object({
  data: z.unknown().optional(),
  errors: z
    .array(
      z.object({
        message: z.string(),
        extensions: z
          .object({ code: z.string().optional(), retryAfterSeconds: z.number().optional() })
          .optional(),
      }),
    )
    .optional(),
})

type Result = z.output<typeof resultSchema>

/** What no connlog service answers. Another try may meet the service itself, and not what stands before it. */
export const notOurs = (what: string): AppError =>
  new AppError('SERVICE_UNAVAILABLE', `The service answered with ${what}.`)

/**
 * The data of a GraphQL result.
 * @throws {AppError} its first error, as the service says it
 */
export function dataOf(text: string): unknown {
  const result = resultOf(text)
  if (!result) throw notOurs('what is no result of GraphQL')
  const told = errorOf(result)
  if (told) throw told
  return result.data
}

/** What an answer with another status than 200 says. @param body its text, as far as it could be read */
export function failureOf({ status, headers }: Response, body: string, address: URL): AppError {
  const answered = `answered with HTTP ${status}.`
  if (status >= 300 && status < 400)
    return new AppError(
      'BAD_USER_INPUT',
      `The service redirects (HTTP ${status}). The key is not sent after it; give the address that the service is at.`,
    )
  const result = resultOf(body)
  const told = result && errorOf(result)
  if (told) return told
  if (status === 401) return failure('UNAUTHENTICATED', '')
  if (status === 429) return failure('RATE_LIMITED', `The service ${answered}`, secondsOf(headers))
  if (status === 408 || status >= 500)
    return failure('SERVICE_UNAVAILABLE', `The service ${answered}`, secondsOf(headers))
  return failure('NOT_FOUND', `There is no connlog service at ${address.href}: it ${answered}`)
}

function resultOf(text: string): Result | undefined {
  try {
    return resultSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

function errorOf({ errors }: Result): AppError | undefined {
  const [error] = errors ?? []
  if (!error) return undefined
  const { code, retryAfterSeconds } = error.extensions ?? {}
  return failure(isKnown(code) ? code : 'INTERNAL', error.message, retryAfterSeconds)
}

function failure(code: ErrorCode, message: string, retryAfterSeconds?: number): AppError {
  const sentence =
    code === 'UNAUTHENTICATED'
      ? 'The service does not know the key, or the key is no longer valid.'
      : visible(message)
  return new AppError(code, sentence, { retryAfterSeconds })
}

const isKnown = (code: string | undefined): code is ErrorCode =>
  code !== undefined && Object.hasOwn(ERROR_STATUS, code)

function secondsOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after')
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
