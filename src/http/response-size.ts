import { type SizedText, boundedJson } from '../kernel/bounded-json.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'

/** Largest body of an answer, and the clock that gives others a turn while one is written. */
export interface ResponseBound {
  readonly maxResponseBytes: number
  readonly clock: Pick<Clock, 'sleep'>
}

export const responseTooLarge = (maxBytes: number): AppError =>
  new AppError(
    'TOO_COMPLEX',
    `Expected the response to have at most ${maxBytes} bytes, got more. Ask for fewer fields, or for shorter pages.`,
  )

/** A value as JSON. @throws {AppError} TOO_COMPLEX if it is too large, before all of it is written */
export async function responseJson(
  value: unknown,
  { maxResponseBytes, clock }: ResponseBound,
): Promise<SizedText> {
  const text = await boundedJson(value, maxResponseBytes, clock)
  if (text === undefined) throw responseTooLarge(maxResponseBytes)
  return text
}
