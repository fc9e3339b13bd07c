import { Kind, type ValueNode } from 'graphql'
import type { JsonObject } from '../kernel/json.ts'
import { assertNever, show, showKind } from '../kernel/errors.ts'
import { formatInstant, instantExpected, parseInstant } from '../kernel/instant.ts'
import { UnsafeNumber, parseNumber } from '../kernel/parse-json.ts'
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
  parseLiteral: (node) => toInstant(untyped(node), node),
})

builder.scalarType('JSONObject', {
  description:
    'A JSON object of any shape, as in RFC 8259. Numbers that a double does not hold digit for digit have to be sent as text.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259#section-4',
  serialize: (value) => value,
  extensions: writtenAs('plain'),
  parseValue: toObject,
  parseLiteral: (node, variables) => toObject(untyped(node, variables), node),
})

function toInstant(value: unknown, node?: ValueNode): number {
  const ms = typeof value === 'string' ? parseInstant(value) : undefined
  if (ms === undefined) throw invalidValue(`Expected ${instantExpected(value)}, got ${show(value)}.`, node)
  return ms
}

/** Numbers inside that would change stay what they are, for the check of the field to name them. */
function toObject(value: unknown, node?: ValueNode): JsonObject {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (isObject && !(value instanceof UnsafeNumber)) return value as JsonObject
  throw invalidValue(`Expected a JSON object, got ${showKind(value)}.`, node)
}

/** The value of a literal as JSON, where GraphQL's own `valueFromASTUntyped` would round numbers. */
function untyped(node: ValueNode, variables?: Readonly<Record<string, unknown>> | null): unknown {
  switch (node.kind) {
    case Kind.NULL:
      return null
    case Kind.INT:
    case Kind.FLOAT:
      return parseNumber(node.value)
    case Kind.LIST:
      return node.values.map((inner) => untyped(inner, variables))
    case Kind.OBJECT: {
      const members = node.fields.map(({ name, value }) => [name.value, untyped(value, variables)] as const)
      return Object.fromEntries(members)
    }
    case Kind.VARIABLE:
      return variables?.[node.name.value]
    case Kind.STRING:
    case Kind.BOOLEAN:
    case Kind.ENUM:
      return node.value
    default:
      return assertNever(node)
  }
}
