import {
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isObjectType,
  valueFromASTUntyped,
} from 'graphql'
import type { Clock } from '../kernel/clock.ts'
import { type OnStep, uncounted } from './limits.ts'
import { type Fragments, fragmentsOf } from './structure.ts'

/**
 * What an operation costs, in points: about as many as its answer can have values, and for what the database has to do
 * some more. A field costs its weight, 1 unless it says otherwise, and what is inside a list costs as often as the
 * list can have elements. What @skip and @include leave out is counted all the same.
 */

/** Reads an argument as it was sent: null if null was given, its default if nothing was. */
export type Argument = (name: string) => unknown

/** Points for one question to the database. They are about microseconds; docs/limits.md lists them. */
export const STATEMENT = 100

/** What a field says of its price, in its `extensions`. */
export interface Price {
  /** Points for the field itself, by its arguments and those of the field it is inside. */
  readonly weight?: number | ((own: Argument, around: Argument) => number)
  /**
   * Most elements that a list of objects has (or how often an object is there at all), by the arguments of the field and
   * of the field it is inside, and the present. Values out of range, or of a wrong type, are refused later: any price will
   * do for them.
   */
  readonly size?: number | ((own: Argument, around: Argument, nowMs: () => number) => number)
}

export const costs = (price: Price) => ({ cost: price })

/** For sizes and weights: a whole number between bounds, with what stands for anything else. */
export const bounded = (value: unknown, byDefault: number, min: number, max: number): number =>
  typeof value === 'number' ? Math.min(Math.max(value, min), max) : byDefault

/** What a list of objects is taken to have that does not say. */
const UNSAID_SIZE = 100

type Variables = Readonly<Record<string, unknown>>
/** A number that is known, or depends on variables. */
type Points = number | ((variables: Variables) => number)
type Field = GraphQLField<unknown, unknown>

/** Finds the price of one operation of a document, of which the limits in `structure.ts` hold. */
export type Pricing = (
  document: DocumentNode,
  operation: OperationDefinitionNode,
) => (variables: Variables) => number

export function createPricing(
  schema: GraphQLSchema,
  clock: Pick<Clock, 'now'>,
  onStep: OnStep = uncounted,
): Pricing {
  const introspection = introspectionSizes(schema)
  const priceOf = (type: GraphQLNamedType, field: Field): Price =>
    isIntrospectionType(type)
      ? { size: introspection.get(field.name) ?? 1 }
      : ((field.extensions['cost'] as Price | undefined) ?? {})

  return (document, operation) => {
    const fragments = fragmentsOf(document)
    const defaults = defaultsOf(operation)
    const root = schema.getRootType(operation.operation)
    const points = ofSelection(root ?? undefined, operation.selectionSet, () => () => undefined)
    if (typeof points === 'number') return () => Math.ceil(points)
    return (variables) => Math.ceil(points(defaults ? { ...defaults, ...variables } : variables))

    /** The number itself where it comes out without a look at a variable or at the clock. */
    function settled(points: (variables: Variables, nowMs: () => number) => number): Points {
      let isLookedAt = false
      const look = () => void (isLookedAt = true)
      const value = points(new Proxy<Variables>({}, { get: look }), () => {
        look()
        return clock.now()
      })
      return isLookedAt ? (variables) => points(variables, () => clock.now()) : value
    }

    function ofSelection(
      type: GraphQLNamedType | undefined,
      { selections }: SelectionSetNode,
      around: (variables: Variables) => Argument,
    ): Points {
      return sum(
        selections.map((selection) => {
          onStep()
          if (selection.kind === Kind.FIELD) return ofField(type, selection, around)
          const fragment = fragmentOf(fragments, selection)
          if (!fragment) return 0
          const condition = fragment.typeCondition?.name.value
          const inside = condition === undefined ? type : schema.getType(condition)
          return ofSelection(inside, fragment.selectionSet, around)
        }),
      )
    }

    function ofField(
      type: GraphQLNamedType | undefined,
      node: FieldNode,
      around: (variables: Variables) => Argument,
    ): Points {
      const field = fieldOf(schema, type, node.name.value)
      const { weight = 1, size } = field && type ? priceOf(type, field) : {}
      const own = argumentsOf(field, node)
      const itself =
        typeof weight === 'number' ? weight : settled((given) => weight(own(given), around(given)))
      if (!node.selectionSet) return itself
      const inner = field && getNamedType(field.type)
      const inside = ofSelection(isCompositeType(inner) ? inner : undefined, node.selectionSet, own)
      const isList = field !== undefined && isListType(getNullableType(field.type))
      const elements: Points =
        typeof size === 'function'
          ? settled((given, nowMs) => size(own(given), around(given), nowMs))
          : (size ?? (isList ? UNSAID_SIZE : 1))
      return sum([itself, times(elements, inside)])
    }
  }
}

function fragmentOf(fragments: Fragments, selection: SelectionSetNode['selections'][number]) {
  if (selection.kind === Kind.FRAGMENT_SPREAD) return fragments.get(selection.name.value)
  return selection.kind === Kind.INLINE_FRAGMENT ? selection : undefined
}

/** Undefined for what the schema does not have, which validation will say, and for `__typename`. */
function fieldOf(schema: GraphQLSchema, type: GraphQLNamedType | undefined, name: string): Field | undefined {
  if (type === schema.getQueryType()) {
    if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef
    if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef
  }
  return isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined
}

/** Each argument is read once, however many fields inside are priced by it. */
function argumentsOf(field: Field | undefined, { arguments: given = [] }: FieldNode) {
  const readBy = new WeakMap<Variables, Map<string, unknown>>()
  const read = (name: string, variables: Variables): unknown => {
    const node = given.find((argument) => argument.name.value === name)?.value
    const value = node && valueFromASTUntyped(node, variables)
    return value === undefined ? field?.args.find((argument) => argument.name === name)?.defaultValue : value
  }
  return (variables: Variables): Argument => {
    const values = readBy.get(variables) ?? new Map<string, unknown>()
    readBy.set(variables, values)
    return (name) => {
      if (!values.has(name)) values.set(name, read(name, variables))
      return values.get(name)
    }
  }
}

function defaultsOf({ variableDefinitions = [] }: OperationDefinitionNode): Variables | undefined {
  const defaults = variableDefinitions.flatMap(({ variable, defaultValue }) =>
    defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)] as const] : [],
  )
  return defaults.length === 0 ? undefined : Object.fromEntries(defaults)
}

function sum(all: readonly Points[]): Points {
  const known = all.reduce<number>((total, points) => total + (typeof points === 'number' ? points : 0), 0)
  const open = all.filter((points) => typeof points !== 'number')
  if (open.length === 0) return known
  return (variables) => open.reduce((total, points) => total + points(variables), known)
}

function times(factor: Points, points: Points): Points {
  if (typeof factor === 'number' && typeof points === 'number') return factor * points
  const valueOf = (one: Points, variables: Variables) => (typeof one === 'number' ? one : one(variables))
  return (variables) => valueOf(factor, variables) * valueOf(points, variables)
}

/** How long the lists of introspection are: all types there are, and what types have on average. */
function introspectionSizes(schema: GraphQLSchema): ReadonlyMap<string, number> {
  const types = Object.values(schema.getTypeMap())
  const fields = types.flatMap((type) =>
    isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [],
  )
  const args = fields.flatMap((field) => field.args)
  const perType = Math.ceil(fields.length / types.length)
  return new Map([
    ['types', types.length],
    ['directives', schema.getDirectives().length],
    ['fields', perType],
    ['inputFields', perType],
    ['enumValues', perType],
    ['args', Math.ceil(args.length / fields.length)],
    ['interfaces', 1],
    ['possibleTypes', 1],
    // A type that is asked for wraps another as often as not, and that one less often again.
    ['ofType', 0.5],
  ])
}
