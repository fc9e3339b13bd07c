import type { GraphQLEnumType, GraphQLField, GraphQLScalarType } from 'graphql'
import { isSpecifiedScalarType } from 'graphql'
import type { Shape } from '../database/shape.ts'
import type { Context } from './context.ts'

/**
 * What fields tell of themselves in their `extensions`, so that a page can be written by the database without a
 * resolver. A field that exposes a property says so already; the rest is said with the functions here. Of a field that
 * says nothing, only its resolver knows.
 */

/** From what a field is read: a property of its object, and what its value stands for if it is not the field's own. */
export interface Source {
  readonly property: string
  readonly values?: ReadonlyMap<string, string | null> | undefined
}

/** A field read from `property`, stored value by stored value if `values` are given. Its resolver says the same. */
export const readFrom = (property: string, values?: ReadonlyMap<string, string | null>) => ({
  source: { property, values } satisfies Source,
})

/** A list whose objects {@link PageText} has as one text. */
export const asRows = () => ({ rows: true })

/** How the values of a scalar of ours are written from what is stored. */
export const writtenAs = (form: 'plain' | 'instant') => ({ form })

/** An object of which the list marked with {@link asRows} is a JSON text already. */
export type PageText = Readonly<Record<string, unknown>>

/** A root field that can be answered as text: what it does instead of its resolver. Null if it cannot, this time. */
export type TextResolver = (args: object, context: Context, shape: Shape) => Promise<PageText | null>

/** @param resolve throws what the resolver throws; the resolver is then asked again, and reports it */
export const asText = (resolve: (args: never, context: Context, shape: Shape) => Promise<object | null>) => ({
  text: resolve as TextResolver,
})

type Field = GraphQLField<unknown, unknown>

export function sourceOf({ extensions }: Field): Source | undefined {
  const { source, pothosExposedField: property } = extensions
  if (source !== undefined) return source as Source
  return typeof property === 'string' ? { property } : undefined
}

export const hasRows = ({ extensions }: Field): boolean => extensions['rows'] === true

export const textResolverOf = ({ extensions }: Field): TextResolver | undefined =>
  extensions['text'] as TextResolver | undefined

/** JSON texts of an enum by what is stored; nothing for what the enum does not know. */
export function enumTexts(type: GraphQLEnumType, values?: Source['values']): Record<string, string> {
  const own = new Map(type.getValues().map(({ value, name }) => [value as unknown, JSON.stringify(name)]))
  const stored = values ?? new Map([...own.keys()].map((value) => [String(value), String(value)]))
  return Object.fromEntries(
    [...stored].flatMap(([from, to]) => {
      const text = to === null ? 'null' : own.get(to)
      return text === undefined ? [] : [[from, text]]
    }),
  )
}

/** How a scalar is written; undefined if only its own code can tell. */
export function formOf(type: GraphQLScalarType): 'plain' | 'instant' | undefined {
  // Numbers with fractions have more than one text.
  if (isSpecifiedScalarType(type)) return type.name === 'Float' ? undefined : 'plain'
  return type.extensions['form'] as 'plain' | 'instant' | undefined
}
