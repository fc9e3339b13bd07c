import { Kind, type ValueNode, valueFromASTUntyped } from 'graphql'
import type { JsonObject } from '../kernel/json.ts'
import { show } from '../kernel/errors.ts'
import { INSTANT_EXPECTED, formatInstant, parseInstant } from '../kernel/instant.ts'
import { builder } from './builder.ts'
import { invalidValue } from './errors.ts'
import { writtenAs } from './source.ts'

builder.scalarType('DateTime', {
  description:
    'An instant with its offset as in RFC 3339, such as `2026-01-31T12:00:00Z`. Answers are in UTC with milliseconds; finer digits of an input are cut.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: formatInstant,
  extensions: writtenAs('instant'),
  parseValue: toInstant,
  parseLiteral: (node) => toInstant(node.kind === Kind.STRING ? node.value : valueFromASTUntyped(node), node),
})

builder.scalarType('JSONObject', {
  description: 'A JSON object of any shape, as in RFC 8259.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259#section-4',
  serialize: (value) => value,
  extensions: writtenAs('plain'),
  parseValue: toObject,
  parseLiteral: (node, variables) => toObject(valueFromASTUntyped(node, variables), node),
})

function toInstant(value: unknown, node?: ValueNode): number {
  const ms = typeof value === 'string' ? parseInstant(value) : undefined
  if (ms === undefined) throw invalidValue(`Expected ${INSTANT_EXPECTED}, got ${show(value)}.`, node)
  return ms
}

function toObject(value: unknown, node?: ValueNode): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  throw invalidValue(`Expected a JSON object, got ${show(value)}.`, node)
}
