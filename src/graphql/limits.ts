/**
 * What a GraphQL document may have at most. Documents that people write stay far below all of it; docs/limits.md lists
 * the numbers. Counts are of the whole document, with fragments counted wherever they are spread.
 */
export interface QueryLimits {
  /** Tokens, comments and commas not counted; they are counted before anything is parsed. */
  readonly tokens: number
  /** Points, by the rules in `cost.ts`. */
  readonly cost: number
  /** Operations to choose from by `operationName`. */
  readonly operations: number
}

/** Called for each token, selection or value that a check looks at. Tests count the work by it. */
export type OnStep = () => void

export const uncounted: OnStep = () => {}

/** Characters, comments included. */
export const MAX_DOCUMENT_LENGTH = 200_000
/** Characters of a name: of a field, an alias, an argument, a type, a variable, a fragment, an operation. */
export const MAX_NAME_LENGTH = 128
/** Brackets of any sort inside each other: what a parser goes down into. */
export const MAX_BRACKETS = 40
/** Fields inside fields. The introspection of GraphiQL has 15. */
export const MAX_DEPTH = 16
export const MAX_FIELDS = 500
/** Fields asked for again, by another selection of the same object. GraphQL compares all of these with each other. */
export const MAX_REPEATED = 100
/** Fragment spreads and inline fragments, those without a field in them too. */
export const MAX_SPREADS = 200
export const MAX_ALIASES = 50
export const MAX_DIRECTIVES = 50
export const MAX_ROOT_FIELDS = 10
export const MAX_FRAGMENTS = 100
/** Fragments that spread fragments that spread fragments … */
export const MAX_FRAGMENT_DEPTH = 20
export const MAX_VARIABLES = 50
/** Of one text in a query or its variables; what is recorded may be longer. */
export const MAX_TEXT_LENGTH = 4_096
/** Of one list or object in a query or its variables. */
export const MAX_MEMBERS = 1_000
