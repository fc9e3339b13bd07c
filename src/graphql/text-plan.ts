import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  getNamedType,
  getNullableType,
  isEnumType,
  isLeafType,
  isListType,
  isObjectType,
  isScalarType,
} from 'graphql'
import { collectFields, collectSubfields } from 'graphql/execution/collectFields.js'
import type { Shape, Value } from '../database/shape.ts'
import {
  type PageText,
  type TextResolver,
  enumTexts,
  formOf,
  hasRows,
  sourceOf,
  textResolverOf,
} from './source.ts'

/**
 * An operation whose answer is put together from texts instead of being executed: the fixed ones, the rows as the
 * database writes them, and the few values around them.
 */
export interface TextPlan {
  /** The one root field, and the node with its arguments. */
  readonly field: Field
  readonly node: FieldNode
  readonly resolve: TextResolver
  /** How the database writes a row. */
  readonly shape: Shape
  /** The whole answer. @throws {GraphQLError} where a value is not of its type, as in execution */
  write(page: PageText): string
}

type Field = GraphQLField<unknown, unknown>
type Variables = Readonly<Record<string, unknown>>

/** A part of the answer: fixed text, a value of the page, or its rows. */
type Piece =
  | string
  | { readonly path: readonly string[]; readonly type: GraphQLLeafType }
  | { readonly rows: string }

interface Operation {
  readonly schema: GraphQLSchema
  readonly fragments: Record<string, FragmentDefinitionNode>
  readonly variables: Variables
}

/** More fields than this, aliases included, are left to execution: SQLite nests an expression at most 1,000 deep. */
const MAX_FIELDS = 200

/** Thrown where only execution can tell the answer, and caught in this file. */
class NeedsExecution extends Error {}

/**
 * Plans a valid operation for these variables, of which only the ones in @skip and @include count.
 * @returns undefined for an operation that has to be executed
 */
export function planText(
  schema: GraphQLSchema,
  document: DocumentNode,
  { operation, selectionSet }: OperationDefinitionNode,
  variables: Variables,
): TextPlan | undefined {
  const query = schema.getQueryType()
  if (operation !== OperationTypeNode.QUERY || !query) return undefined
  const within: Operation = { schema, fragments: fragmentsOf(document), variables }
  const roots = collectFields(schema, within.fragments, variables, query, selectionSet)
  const [[key, nodes] = [], ...others] = [...roots].filter(([, [node]]) => !isTypename(node))
  const node = nodes?.[0]
  const field = query.getFields()[node?.name.value ?? '']
  const resolve = field && textResolverOf(field)
  const type = field && getNullableType(field.type)
  if (key === undefined || !nodes || !node || !resolve || !isObjectType(type) || others.length > 0)
    return undefined
  try {
    const page = piecesOf(within, type, nodes)
    const pieces = object([...roots], (root) => (root === key ? page.pieces : [nameOf(query)]))
    const write = writer(['{"data":', ...pieces, '}'])
    return { field, node, resolve, shape: page.shape, write }
  } catch (error) {
    if (error instanceof NeedsExecution) return undefined
    throw error
  }
}

/** The pieces of an object that is at hand, and the shape of the rows in it. */
function piecesOf(within: Operation, type: GraphQLObjectType, nodes: readonly FieldNode[]) {
  let shape: Shape | undefined
  const inside = (type: GraphQLObjectType, nodes: readonly FieldNode[], path: readonly string[]): Piece[] =>
    object([...subfields(within, type, nodes)], (_, [node, ...more]) => {
      if (!node || isTypename(node)) return [nameOf(type)]
      const field = fieldOf(type, node)
      const property = sourceOf(field)?.property
      if (property === undefined || sourceOf(field)?.values) throw new NeedsExecution()
      const inner = getNullableType(field.type)
      if (isLeafType(inner)) return [{ path: [...path, property], type: inner }]
      if (isObjectType(inner)) return inside(inner, [node, ...more], [...path, property])
      const row = getNamedType(inner)
      // The database writes rows once: a second list of them, with other fields, would have to be written anew.
      if (!hasRows(field) || path.length > 0 || shape !== undefined || !isObjectType(row))
        throw new NeedsExecution()
      shape = shapeOf(within, row, [node, ...more])
      return [{ rows: property }]
    })
  const pieces = inside(type, nodes, [])
  if (countOf(shape ?? []) + pieces.length > MAX_FIELDS || hasRepeats(shape ?? [])) throw new NeedsExecution()
  return { pieces, shape: shape ?? [] }
}

function shapeOf(
  within: Operation,
  type: GraphQLObjectType,
  nodes: readonly FieldNode[],
  isNested = false,
): Shape {
  return [...subfields(within, type, nodes)].map(([key, [node, ...more]]) => {
    if (!node || isTypename(node)) return { key, value: { is: 'constant', json: nameOf(type) } }
    return { key, value: valueOf(within, fieldOf(type, node), [node, ...more], isNested) }
  })
}

function valueOf(within: Operation, field: Field, nodes: readonly FieldNode[], isNested: boolean): Value {
  const source = sourceOf(field)
  const type = getNullableType(field.type)
  if (!source || field.args.length > 0) throw new NeedsExecution()
  const { property, values } = source
  if (isEnumType(type) && !isNested) return { is: 'choice', property, texts: enumTexts(type, values) }
  if (isObjectType(type) && !isNested)
    return { is: 'object', property, shape: shapeOf(within, type, nodes, true) }
  // Inside JSON nothing holds a value to be there, or to be what the schema says, but how it was checked coming in.
  const scalar = isListType(type) && isNested ? getNamedType(type) : type
  const form = isScalarType(scalar) && !values ? formOf(scalar) : undefined
  if (form === undefined || (isListType(type) && form !== 'plain')) throw new NeedsExecution()
  return { is: form, property }
}

function writer(pieces: readonly Piece[]): TextPlan['write'] {
  const parts = joined(pieces)
  return (page) => {
    let text = ''
    for (const part of parts) {
      if (typeof part === 'string') text += part
      else if ('rows' in part) text += String(page[part.rows])
      else text += JSON.stringify(part.type.serialize(valueAt(page, part.path)))
    }
    return text
  }
}

const valueAt = (page: PageText, path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Readonly<Record<string, unknown>>)[key], page)

function joined(pieces: readonly Piece[]): Piece[] {
  const parts: Piece[] = []
  for (const piece of pieces) {
    const last = parts.at(-1)
    if (typeof piece === 'string' && typeof last === 'string') parts[parts.length - 1] = last + piece
    else parts.push(piece)
  }
  return parts
}

function object(
  fields: readonly (readonly [string, readonly FieldNode[]])[],
  inside: (key: string, nodes: readonly FieldNode[]) => readonly Piece[],
): Piece[] {
  const members = fields.flatMap(([key, nodes], index): readonly Piece[] => [
    `${index === 0 ? '' : ','}"${key}":`,
    ...inside(key, nodes),
  ])
  return ['{', ...members, '}']
}

const subfields = (
  { schema, fragments, variables }: Operation,
  type: GraphQLObjectType,
  nodes: readonly FieldNode[],
) => collectSubfields(schema, fragments, variables, type, nodes)

const isTypename = (node: FieldNode | undefined) => node?.name.value === '__typename'
const nameOf = ({ name }: GraphQLObjectType) => JSON.stringify(name)

function fieldOf(type: GraphQLObjectType, node: FieldNode): Field {
  const field = type.getFields()[node.name.value]
  if (!field) throw new NeedsExecution()
  return field
}

/**
 * Whether something that is stored is written twice, by aliases. The database would build a text many times as long as
 * the logs; execution has each text once in memory, and stops before the answer is too large.
 */
function hasRepeats(shape: Shape): boolean {
  // Choices and instants are short, and `status` and `eventType` are read from the same column.
  const stored = shape.flatMap(({ value }) => (value.is === 'plain' || value.is === 'object' ? [value] : []))
  return (
    new Set(stored.map(({ property }) => property)).size < stored.length ||
    stored.some((value) => value.is === 'object' && hasRepeats(value.shape))
  )
}

const countOf = (shape: Shape): number =>
  shape.reduce((count, { value }) => count + 1 + (value.is === 'object' ? countOf(value.shape) : 0), 0)

const fragmentsOf = ({ definitions }: DocumentNode): Operation['fragments'] =>
  Object.fromEntries(
    definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition]] : [],
    ),
  )
