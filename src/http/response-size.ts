import { type SizedText, boundedJson } from '../kernel/bounded-json.ts'
import { AppError } from '../kernel/errors.ts'
import type { YieldIfLong } from '../kernel/yield-if-long.ts'

/** Largest body of an answer, and what gives others a turn while one is written. */
export interface ResponseBound {
  readonly maxResponseBytes: number
  readonly yieldIfLong: YieldIfLong
}

export const responseTooLarge = (maxBytes: number): AppError =>
  new AppError(
    'TOO_COMPLEX',
    `Expected the response to have at most ${maxBytes} bytes, got more. Ask for fewer fields, or for shorter pages.`,
  )

/** A value as JSON. @throws {AppError} TOO_COMPLEX if it is too large, before all of it is written */
export async function responseJson(
  value: unknown,
  { maxResponseBytes, yieldIfLong }: ResponseBound,
): Promise<SizedText> {
  const text = await boundedJson(value, maxResponseBytes, yieldIfLong)
  if (text === undefined) throw responseTooLarge(maxResponseBytes)
  return text
}
