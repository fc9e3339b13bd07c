import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import { rootFields } from '../../src/auth/needs.ts'

/** A root field with all that it answers, made from the schema. */
export interface Operation {
  /** `Query.connectionLogs` */
  readonly name: string
  readonly field: ReturnType<typeof rootFields>[number][1]
  readonly document: string
  /** What has to be given, and nothing else. */
  readonly variables: Readonly<Record<string, unknown>>
  /** Where text, ids and objects may be given, at any depth. */
  readonly places: readonly Place[]
}

export interface Place {
  /** As in a schema coordinate: `Query.connectionLog(id:)`, `ConnectionLogFilter.profileId`. */
  readonly coordinate: string
  readonly path: readonly (string | number)[]
  readonly input: GraphQLArgument | GraphQLInputField
}

export const operationsOf = (schema: GraphQLSchema): Operation[] =>
  rootFields(schema).map(([name, field]) => ({
    name,
    field,
    document: documentOf(schema, name, field),
    variables: required(field.args),
    places: field.args.flatMap((arg) => placesOf(arg, `${name}(${arg.name}:)`, [arg.name])),
  }))

/** The variables of an operation with a value at a place. */
export function given({ variables, field }: Operation, { path }: Place, value: unknown): object {
  const whole = structuredClone(variables) as Record<string, unknown>
  const [name = '', ...inner] = path
  const arg = field.args.find((one) => one.name === name)
  if (!arg) throw new TypeError(`no argument ${name}`)
  whole[String(name)] = put(whole[String(name)], arg.type, inner, value)
  return whole
}

function put(
  before: unknown,
  type: GraphQLInputType,
  [key, ...inner]: readonly (string | number)[],
  value: unknown,
): unknown {
  if (key === undefined) return value
  const nullable = getNullableType(type)
  if (isListType(nullable))
    return [put((before as unknown[] | undefined)?.[0], nullable.ofType, inner, value)]
  if (!isInputObjectType(nullable)) throw new TypeError(`no object at ${key}`)
  const object = (before ?? sample(nullable)) as Record<string, unknown>
  const field = nullable.getFields()[key]
  if (!field) throw new TypeError(`no field ${key}`)
  return { ...object, [key]: put(object[key], field.type, inner, value) }
}

const TEXTUAL = new Set(['ID', 'String', 'JSONObject'])

function placesOf(
  input: GraphQLArgument | GraphQLInputField,
  coordinate: string,
  path: Place['path'],
): Place[] {
  const type = getNamedType(input.type)
  if (!isInputObjectType(type)) return TEXTUAL.has(type.name) ? [{ coordinate, path, input }] : []
  const within = isListType(getNullableType(input.type)) ? [...path, 0] : path
  return Object.values(type.getFields()).flatMap((field) =>
    placesOf(field, `${type.name}.${field.name}`, [...within, field.name]),
  )
}

const required = (inputs: readonly (GraphQLArgument | GraphQLInputField)[]): Record<string, unknown> =>
  Object.fromEntries(
    inputs
      .filter(({ type, defaultValue }) => isNonNullType(type) && defaultValue === undefined)
      .map(({ name, type }) => [name, sample(type)]),
  )

/** The least that a type takes. */
function sample(of: GraphQLInputType): unknown {
  const type = getNullableType(of)
  if (isListType(type)) return [sample(type.ofType)]
  if (isInputObjectType(type)) return required(Object.values(type.getFields()))
  if (isEnumType(type)) return type.getValues()[0]?.name
  return { Int: 1, Float: 1, Boolean: false, JSONObject: {} }[type.name] ?? 'sample'
}

function documentOf(schema: GraphQLSchema, name: string, field: Operation['field']): string {
  const kind = (name.split('.')[0] ?? '').toLowerCase()
  const variables = field.args.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(', ')
  const args = field.args.map((arg) => `${arg.name}: $${arg.name}`).join(', ')
  const parens = (text: string) => (text === '' ? '' : `(${text})`)
  return `${kind} ${parens(variables)} { ${field.name}${parens(args)}${selection(schema, field.type)} }`
}

/** Everything that a type tells. */
function selection(schema: GraphQLSchema, of: GraphQLOutputType): string {
  const type = getNamedType(of)
  if (isLeafType(type)) return ''
  const own =
    isObjectType(type) || isInterfaceType(type)
      ? Object.values(type.getFields()).map((field) => `${field.name}${selection(schema, field.type)}`)
      : []
  const possible = isAbstractType(type)
    ? schema.getPossibleTypes(type).map((one) => `... on ${one.name}${selection(schema, one)}`)
    : []
  return ` { ${['__typename', ...own, ...possible].join(' ')} }`
}
