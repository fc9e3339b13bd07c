import {
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'
import { AppError } from '../kernel/errors.ts'
import {
  MAX_ALIASES,
  MAX_DEPTH,
  MAX_DIRECTIVES,
  MAX_FIELDS,
  MAX_FRAGMENTS,
  MAX_FRAGMENT_DEPTH,
  MAX_REPEATED,
  MAX_ROOT_FIELDS,
  MAX_SPREADS,
  MAX_VARIABLES,
  type OnStep,
  uncounted,
} from './limits.ts'
import { tooComplex } from './tokens.ts'

export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>

/** What a selection comes to once all its fragments are put in their places. */
interface Counts {
  readonly fields: number
  /** Fields of the selection itself, not those inside them. */
  readonly roots: number
  readonly aliases: number
  readonly directives: number
  readonly depth: number
  /** Fragment spreads and inline fragments. */
  readonly spreads: number
  /** Fragments that spread each other below. */
  readonly chain: number
}

/**
 * Holds a document against what one may have at most. It counts each fragment once, however often it is spread, so it
 * is done in a time that grows with the document and not with what the document would become: before GraphQL's own
 * validation, which compares fields two by two. It knows no schema, and no name that is not counted.
 * @throws {AppError} TOO_COMPLEX; BAD_USER_INPUT for fragments that are unknown, have the same name or form a circle
 */
export function checkStructure(
  document: DocumentNode,
  mostOperations: number,
  onStep: OnStep = uncounted,
): void {
  const operations = operationsOf(document)
  within('operations', mostOperations, operations.length)
  const definitions = document.definitions.filter((one) => one.kind === Kind.FRAGMENT_DEFINITION)
  within('fragments', MAX_FRAGMENTS, definitions.length)
  const fragments = fragmentsOf(document)
  for (const definition of definitions)
    if (fragments.get(definition.name.value) !== definition)
      throw new AppError('BAD_USER_INPUT', `There can be only one fragment named "${definition.name.value}".`)
  within(
    'variables',
    MAX_VARIABLES,
    sum(operations.map((operation) => operation.variableDefinitions?.length)),
  )
  const counting = createCounting(fragments, onStep)
  const counted = operations.map((operation) => counting.ofDefinition(operation))
  const used = new Set(counting.met)
  // Validation looks at fragments that nothing spreads, too.
  const unused = [...fragments.values()].filter(({ name }) => !used.has(name.value))
  const all = [...counted, ...unused.map((fragment) => counting.ofDefinition(fragment))]
  for (const { roots } of counted) within('root fields', MAX_ROOT_FIELDS, roots)
  within('fields inside each other', MAX_DEPTH, Math.max(0, ...all.map(({ depth }) => depth)))
  within('aliases', MAX_ALIASES, sum(all.map(({ aliases }) => aliases)))
  within('directives', MAX_DIRECTIVES, sum(all.map(({ directives }) => directives)))
  within('fields', MAX_FIELDS, sum(all.map(({ fields }) => fields)))
  within('fragment spreads', MAX_SPREADS, sum(all.map(({ spreads }) => spreads)))
  const repeated = sum(
    [...operations, ...unused].map(({ selectionSet }) => repeatedIn(selectionSet, fragments, onStep)),
  )
  within('fields that are asked for again', MAX_REPEATED, repeated)
}

/**
 * A subscription has one root field, always, so nothing may leave it out. GraphQL itself would look for the field that
 * is missing only when it subscribes, and fail.
 * https://spec.graphql.org/September2025/#sec-Single-Root-Field
 * @throws {AppError} BAD_USER_INPUT for a root field with `@skip` or `@include`, or a fragment with such a one around it
 */
export function checkSubscriptionRoot(
  document: DocumentNode,
  { selectionSet }: OperationDefinitionNode,
  onStep: OnStep = uncounted,
): void {
  const fragments = fragmentsOf(document)
  const seen = new Set<string>()
  const check = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      onStep()
      if (selection.directives?.some(({ name }) => name.value === 'skip' || name.value === 'include'))
        throw new AppError(
          'BAD_USER_INPUT',
          'The root field of a subscription cannot have `@skip` or `@include`. Leave the directive out.',
        )
      if (selection.kind === Kind.INLINE_FRAGMENT) check(selection.selectionSet)
      if (selection.kind !== Kind.FRAGMENT_SPREAD || seen.has(selection.name.value)) continue
      seen.add(selection.name.value)
      const fragment = fragments.get(selection.name.value)
      if (fragment) check(fragment.selectionSet)
    }
  }
  check(selectionSet)
}

export const operationsOf = ({ definitions }: DocumentNode): OperationDefinitionNode[] =>
  definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)

export const fragmentsOf = ({ definitions }: DocumentNode): Fragments =>
  new Map(
    definitions
      .filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
      .map((definition) => [definition.name.value, definition]),
  )

function createCounting(fragments: Fragments, onStep: OnStep) {
  const known = new Map<string, Counts>()
  const path = new Set<string>()

  function ofFragment(name: string): Counts {
    const before = known.get(name)
    if (before) return before
    const fragment = fragments.get(name)
    if (!fragment) throw new AppError('BAD_USER_INPUT', `Unknown fragment "${name}".`)
    if (path.has(name)) {
      const via = [...path].slice([...path].indexOf(name) + 1).map((other) => `"${other}"`)
      const round = via.length === 0 ? '' : ` via ${via.join(', ')}`
      throw new AppError('BAD_USER_INPUT', `Cannot spread fragment "${name}" within itself${round}.`)
    }
    within('fragments that spread each other', MAX_FRAGMENT_DEPTH, path.size + 1)
    path.add(name)
    const counts = ofDefinition(fragment)
    path.delete(name)
    known.set(name, counts)
    return counts
  }

  function ofDefinition(definition: OperationDefinitionNode | FragmentDefinitionNode): Counts {
    const onVariables = sum(definition.variableDefinitions?.map(({ directives }) => directives?.length) ?? [])
    const inside = ofSelection(definition.selectionSet)
    return { ...inside, directives: inside.directives + onVariables + lengthOf(definition.directives) }
  }

  function ofSelection({ selections }: SelectionSetNode): Counts {
    let [fields, roots, aliases, directives, depth, spreads, chain] = [0, 0, 0, 0, 0, 0, 0]
    for (const selection of selections) {
      onStep()
      const isField = selection.kind === Kind.FIELD
      const inside = selection.kind === Kind.FRAGMENT_SPREAD ? ofFragment(selection.name.value) : undefined
      const inner =
        inside ??
        ('selectionSet' in selection && selection.selectionSet
          ? ofSelection(selection.selectionSet)
          : NOTHING)
      fields += inner.fields + Number(isField)
      roots += isField ? 1 : inner.roots
      aliases += inner.aliases + Number(isField && selection.alias !== undefined)
      directives += inner.directives + lengthOf(selection.directives)
      depth = Math.max(depth, inner.depth + Number(isField))
      spreads += inner.spreads + Number(!isField)
      chain = Math.max(chain, inner.chain + Number(inside !== undefined))
      within('fragments that spread each other', MAX_FRAGMENT_DEPTH, path.size + chain)
    }
    return { fields, roots, aliases, directives, depth, spreads, chain }
  }

  return { ofDefinition, met: { [Symbol.iterator]: () => known.keys() } }
}

const NOTHING: Counts = { fields: 0, roots: 0, aliases: 0, directives: 0, depth: 0, spreads: 0, chain: 0 }

/** By the name that a field has in the answer, all that is asked for inside it. */
type Asked = Map<string, Asked>

/**
 * How many fields of a selection are there already when they come. It follows every spread, so {@link MAX_FIELDS} and
 * {@link MAX_SPREADS} have to hold.
 */
function repeatedIn(
  selectionSet: SelectionSetNode,
  fragments: Fragments,
  onStep: OnStep,
  asked: Asked = new Map(),
): number {
  let repeated = 0
  for (const selection of selectionSet.selections) {
    onStep()
    if (selection.kind === Kind.FIELD) {
      const name = (selection.alias ?? selection.name).value
      const before = asked.get(name)
      const inside = before ?? new Map()
      if (before) repeated += 1
      else asked.set(name, inside)
      if (selection.selectionSet) repeated += repeatedIn(selection.selectionSet, fragments, onStep, inside)
    } else {
      const inside =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? fragments.get(selection.name.value)?.selectionSet
          : selection.selectionSet
      if (inside) repeated += repeatedIn(inside, fragments, onStep, asked)
    }
  }
  return repeated
}

function within(what: string, most: number, got: number): void {
  if (got > most) throw tooComplex(what, most, got < 1_000_000 ? String(got) : 'more than a million')
}

const lengthOf = (directives: readonly DirectiveNode[] | undefined): number => directives?.length ?? 0

const sum = (numbers: readonly (number | undefined)[]): number =>
  numbers.reduce<number>((total, number) => total + (number ?? 0), 0)
