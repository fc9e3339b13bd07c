import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLSchema,
  isInputObjectType,
} from 'graphql'
import type { Context } from '../graphql/context.ts'
import { requireScope, requireServiceKey } from './principal.ts'
import { type Needs, REACHES, type Reach } from './scopes.ts'

type RootField = GraphQLField<unknown, Context>
type Work = (...args: never[]) => unknown

/** What a root field says it needs. @throws {TypeError} for one that says nothing */
export function needsOf({ name, extensions }: RootField): Needs {
  const needs = optionsOf(extensions)?.needs
  if (needs === undefined) throw new TypeError(`the root field ${name} does not say what it needs`)
  return needs
}

type Reaching = Pick<GraphQLArgument | GraphQLInputField | RootField, 'description' | 'extensions'>

/** Who may ask a field, or give an argument or a part of an input; undefined where that is everybody. */
export const reachOf = ({ extensions }: Pick<Reaching, 'extensions'>): Reach | undefined =>
  optionsOf(extensions)?.reach

/** Every root field of a schema, with the name of its type in front. */
export const rootFields = (schema: GraphQLSchema): [name: string, field: RootField][] =>
  [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap((type) =>
    Object.values(type?.getFields() ?? {}).map((field): [string, RootField] => [
      `${type?.name}.${field.name}`,
      field,
    ]),
  )

/**
 * Holds every root field to what it says it needs, whichever way it is answered, and says so in its description. This
 * is the one place where GraphQL asks for scopes; the REST side has the same in http/handler.ts.
 * @throws {TypeError} for a root field that says nothing
 */
export function enforceNeeds(schema: GraphQLSchema): GraphQLSchema {
  for (const [, field] of rootFields(schema)) {
    const needs = needsOf(field)
    const reach = reachOf(field)
    const ask = ({ principal }: Context) => {
      requireScope(principal, needs)
      if (reach === 'service key') requireServiceKey(principal)
    }
    describe(field, needs === 'any key' ? 'Needs no scope.' : `Needs the scope \`${needs}\`.`)
    if (reach !== undefined) describe(field, REACHES[reach])
    if (field.resolve) field.resolve = before(field.resolve, 2, ask)
    if (field.subscribe) field.subscribe = before(field.subscribe, 2, ask)
    const text = field.extensions['text'] as Work | undefined
    if (text) field.extensions = { ...field.extensions, text: before(text, 1, ask) }
    for (const argument of field.args) describeReach(argument)
  }
  for (const type of Object.values(schema.getTypeMap()))
    if (isInputObjectType(type)) for (const input of Object.values(type.getFields())) describeReach(input)
  return schema
}

/** The same function, which asks first; `at` is where it finds the context. */
function before<F extends Work>(work: F, at: number, ask: (context: Context) => void): F {
  const asking: (...args: never[]) => unknown = (...args) => {
    ask(args[at] as unknown as Context)
    return work(...args)
  }
  return asking as F
}

function describeReach(input: Reaching): void {
  const reach = reachOf(input)
  if (reach !== undefined) describe(input, REACHES[reach])
}

/** What has no description gets none by this: that it lacks one has to be seen. */
function describe(described: Reaching, sentence: string): void {
  if (described.description) described.description += ` ${sentence}`
}

/** Pothos keeps the options of a field beside it. */
const optionsOf = (extensions: Readonly<Record<string, unknown>>) =>
  extensions['pothosOptions'] as { readonly needs?: Needs; readonly reach?: Reach } | undefined
