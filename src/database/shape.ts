import type { Column, LogTable } from './dialect.ts'
import { type Sql, raw } from './sql.ts'

/** A JSON object that the database writes for a row: its members in the order in which they are written. */
export type Shape = readonly Member[]

export interface Member {
  /** Letters, digits and `_` only, as in names of GraphQL. */
  readonly key: string
  readonly value: Value
}

/**
 * Where a member comes from. `property` names a column of the table or, inside an object, a member of its JSON column.
 *  - `constant`: always this JSON text
 *  - `plain`: what is stored, written as JSON
 *  - `instant`: an instant in UTC with milliseconds
 *  - `choice`: the JSON text that `texts` has for the stored text
 *  - `object`: some members of a JSON column; null where the column is null
 */
export type Value =
  | { readonly is: 'constant'; readonly json: string }
  | { readonly is: 'plain' | 'instant'; readonly property: string }
  | { readonly is: 'choice'; readonly property: string; readonly texts: Readonly<Record<string, string>> }
  | { readonly is: 'object'; readonly property: string; readonly shape: Shape }

/** How a database writes JSON: SQL expressions of type text from SQL expressions. NULL stays NULL. */
export interface JsonWriter {
  /** A text as a JSON string. */
  quoted(text: string): string
  /** A JSON column as text. */
  json(column: string): string
  /** The JSON text of a member of a JSON column; NULL if it is absent. */
  member(column: string, name: string): string
  /** An instant as `2026-01-31T12:00:00.000Z`, without quotes. */
  instant(column: string): string
}

/**
 * @returns a function from a shape to the SQL expression that writes a row in it, on columns by their plain names. The
 *   expression is NULL for a row that holds what cannot be written so: a text without a choice, an instant inside JSON
 *   that is not in UTC. Expressions are kept as long as their shapes are.
 */
export function createRowText(write: JsonWriter): (table: LogTable, shape: Shape) => Sql {
  const known = new WeakMap<Shape, { table: LogTable; text: Sql }>()
  return (table, shape) => {
    const kept = known.get(shape)
    if (kept?.table === table) return kept.text
    const text = raw(concatenated(object(shape, (value) => fromColumn(value, columnOf(table, value), write))))
    known.set(shape, { table, text })
    return text
  }
}

/** A piece of the text of a row: fixed text, or an SQL expression. */
type Piece = { readonly fixed: string } | { readonly sql: string }
type Stored = Exclude<Value, { is: 'constant' }>

const fixed = (text: string): Piece => ({ fixed: text })

function object(shape: Shape, pieces: (value: Stored) => readonly Piece[]): Piece[] {
  const members = shape.flatMap(({ key, value }, index) => [
    fixed(`${index === 0 ? '' : ','}${JSON.stringify(checkedName(key))}:`),
    ...(value.is === 'constant' ? [fixed(value.json)] : pieces(value)),
  ])
  return [fixed('{'), ...members, fixed('}')]
}

function fromColumn(value: Stored, { name, type, empty }: Column, write: JsonWriter): Piece[] {
  if (value.is === 'object' && type === 'json') {
    const inner = object(value.shape, (member) => fromMember(member, name, write))
    return [{ sql: `CASE WHEN ${name} IS NULL THEN 'null' ELSE ${concatenated(inner)} END` }]
  }
  const column = empty === 'null' ? `nullif(${name}, '')` : name
  if (value.is === 'choice' && type === 'text') return [{ sql: choice(column, value.texts) }]
  if (value.is === 'instant' && type === 'instant')
    return [fixed('"'), { sql: write.instant(name) }, fixed('"')]
  if (value.is === 'plain' && type === 'text') return [orNull(write.quoted(column))]
  if (value.is === 'plain' && type === 'integer') return [orNull(`CAST(${name} AS text)`)]
  if (value.is === 'plain' && type === 'json') return [orNull(write.json(name))]
  throw new TypeError(`The column ${name} of type ${type} cannot be written as ${value.is}.`)
}

function fromMember(value: Stored, column: string, write: JsonWriter): Piece[] {
  const text = write.member(column, checkedName(value.property))
  if (value.is === 'plain') return [orNull(text)]
  if (value.is === 'instant') return [{ sql: normalised(text) }]
  throw new TypeError(`The member ${value.property} of ${column} cannot be written as ${value.is}.`)
}

const orNull = (sql: string): Piece => ({ sql: `coalesce(${sql}, 'null')` })

const choice = (column: string, texts: Readonly<Record<string, string>>) =>
  `CASE ${column} ${Object.entries(texts)
    .map(([stored, json]) => `WHEN ${literal(stored)} THEN ${literal(json)}`)
    .join(' ')} END`

/** Instants inside JSON stand as their producers wrote them. Those in UTC need no calendar: digits are cut or added. */
const normalised = (text: string) => {
  const like = (fraction: string) =>
    ['Z', '+00:00'].map((utc) => `${text} LIKE '"____-__-__T__:__:__${fraction}${utc}"'`).join(' OR ')
  return `CASE WHEN ${like('')} THEN substr(${text}, 1, 20) || '.000Z"'
    WHEN ${like('.___%')} THEN substr(${text}, 1, 24) || 'Z"'
    WHEN coalesce(${text}, 'null') = 'null' THEN 'null' END`
}

function concatenated(pieces: readonly Piece[]): string {
  const parts: string[] = []
  let text = ''
  for (const piece of pieces) {
    if ('fixed' in piece) text += piece.fixed
    else {
      if (text !== '') parts.push(literal(text))
      parts.push(piece.sql)
      text = ''
    }
  }
  if (text !== '') parts.push(literal(text))
  return parts.join(' || ')
}

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`

function columnOf(table: LogTable, { property }: Stored): Column {
  const column = table.columns.find((one) => one.property === property && !one.writeOnly)
  if (!column) throw new TypeError(`There is no column for ${property} in ${table.name}.`)
  return column
}

function checkedName(name: string): string {
  if (/^\w+$/.test(name)) return name
  throw new TypeError(`Expected a name of letters, digits and _, got ${JSON.stringify(name)}.`)
}
