/** The instant at which the tests of bad input stand. */
export const NOW = Date.UTC(2026, 5, 15, 12)

/** One field of a log with a value that no door may take. */
export interface WrongField {
  /** The field as sentences name it, such as `success.permissions[1]`. */
  readonly field: string
  /** The part of the field that sentences name, such as `.a[1]`. */
  readonly at?: string
  /** Whether they speak of a key in there. */
  readonly keyOf?: boolean
  /** The value of the field without its index, as JSON text: not every text of JSON is one that JavaScript prints. */
  readonly json: string
  /** How the sentence goes on after "Expected `field`". */
  readonly sentence: string
  /**
   * What GraphQL says by its own types: of a literal, and of a value in a variable. Absent where its types let the
   * value through, so that the sentence is ours; null for what GraphQL takes or cannot express.
   */
  readonly literal?: string | null
  readonly variable?: string | null
  /** Where a value that JavaScript has rounded gets another sentence than its digits. */
  readonly inProcess?: string
}

/** The same in GraphQL's words for literals and for variables. */
export const both = (reason: string) => ({ literal: reason, variable: reason })
export const notInGraphql = { literal: null, variable: null }

export const toBe = (expected: string, came: string) => `to be ${expected}, got ${came}.`

export const textOf = (length: number) => `text of ${length} ${length === 1 ? 'character' : 'characters'}`

/** Fields that may hold secrets, of whose values only type and length are shown. */
export const SECRET_FIELDS =
  /^(?:success\.profilePicture|error\.message|error\.rawResponse|context\.\w+Token|metadata)$/

/** How a sentence shows a value, given as JSON. */
export function cameAs(field: string, json: string): string {
  const value: unknown = JSON.parse(json)
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `a list of ${value.length}`
  if (!SECRET_FIELDS.test(field)) return json
  if (typeof value === 'number') return 'a number'
  return typeof value === 'string' ? textOf(value.length) : json
}

/** The same where GraphQL says it, which does not count. */
export const graphqlCame = (field: string, json: string): string =>
  json.startsWith('[') && json !== '[]' ? 'a list' : cameAs(field, json)

export const textExpected = (max: number, min = 0) =>
  `text of ${min === 0 ? 'at most' : `${min} to`} ${max} characters, without U+0000 or lone surrogates`
