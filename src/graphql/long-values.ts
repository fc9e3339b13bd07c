import type { GraphQLEnumType } from 'graphql'
import { showKind } from '../kernel/errors.ts'
import { invalidValue } from './errors.ts'

/** No value of an enum is as long. */
const MAX_LENGTH = 256

/**
 * Rejects long texts before GraphQL looks for the value that was meant: to compare a text of 4 MB with all values takes a
 * second.
 */
export function rejectLongValues(type: GraphQLEnumType): void {
  const parse = type.parseValue.bind(type)
  type.parseValue = (value): unknown => {
    if (typeof value === 'string' && value.length > MAX_LENGTH)
      throw invalidValue(`Value ${showKind(value)} does not exist in "${type.name}" enum.`)
    return parse(value) as unknown
  }
}
