import type { ExecutionResult } from 'graphql-sse'

type Errors = NonNullable<ExecutionResult['errors']>

/** Why a subscription is over, and what to do about it. */
export interface Refusal {
  readonly message: string
  /** Whether trying again would not help. */
  readonly isFinal: boolean
  /** No sooner than this. */
  readonly retryAfterMs: number
  readonly errors: Errors
}

/** Errors that pass. */
const PASSING = new Set(['SERVICE_UNAVAILABLE', 'RATE_LIMITED', 'INTERNAL'])

/**
 * @param ending a result with errors, an error of graphql-sse with or without the response, or undefined where the
 *   service has ended the stream
 */
export async function refusalOf(ending: unknown): Promise<Refusal> {
  const { errors, response } = (ending ?? {}) as Partial<ExecutionResult> & { response?: Response }
  if (errors) return refusalBy(errors)
  if (!response) return passing('The connection broke.')
  // An answer with another status than 200 may come from a proxy and say nothing of GraphQL.
  const answer = (await response.json().catch(() => undefined)) as Partial<ExecutionResult> | undefined
  if (answer?.errors) return refusalBy(answer.errors)
  return passing(`The answer has the status ${response.status}.`)
}

function refusalBy(errors: Errors): Refusal {
  const [error] = errors
  const { code, retryAfterSeconds: seconds } = error?.extensions ?? {}
  return {
    message: error?.message ?? 'The service refused.',
    isFinal: typeof code === 'string' && !PASSING.has(code),
    retryAfterMs: typeof seconds === 'number' ? seconds * 1_000 : 0,
    errors,
  }
}

const passing = (message: string): Refusal => ({ message, isFinal: false, retryAfterMs: 0, errors: [] })
