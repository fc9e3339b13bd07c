import { exportFormats } from '../../connections/export-format.ts'

/** A log in a JSON value, or a sentence that says what is there in its place. */
export type Found = {
  /** Its place in a page or list, counted from 1; undefined where the value is the log itself. */
  readonly place: number | undefined
} & (
  | {
      readonly log: object
      /** Whether another server wrote it, so that it may have fields that connlog does not know. */
      readonly isForeign: boolean
    }
  | { readonly error: string }
)

/** How deep lists of logs are looked for: `data`, the field, `edges`, `node`. */
const MAX_DEPTH = 4

/**
 * The logs in a JSON value: a log; a list of logs; a page as a REST API answers it (`logs` or `data`); an answer of
 * GraphQL, with pages (`logs`), connections (`edges`, `nodes`) or single logs in it; a list of any of these.
 */
export function logsIn(value: unknown): Found[] {
  const found: Found[] = []
  const isAlone = !collect(value, found, false, MAX_DEPTH)
  return found.map((one, index) => ({ ...one, place: isAlone ? undefined : index + 1 }))
}

type Collected = { readonly log: object; readonly isForeign: boolean } | { readonly error: string }

/** @returns whether the value holds logs, in contrast to one that is a log itself, or none */
function collect(
  value: unknown,
  found: (Collected | Found)[],
  isAnswer: boolean,
  depthLeft: number,
): boolean {
  const add = (one: Collected) => void found.push({ ...one, place: undefined })
  const collectEach = (list: readonly unknown[], ofAnswer: boolean) => {
    for (const inner of list) collect(inner, found, ofAnswer, depthLeft - 1)
    return true
  }
  if (Array.isArray(value) && depthLeft > 0) return collectEach(value as unknown[], isAnswer)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    add({ error: `Expected a log, got ${kindOf(value)}.` })
    return false
  }
  if (isLog(value)) {
    add({ log: value, isForeign: isAnswer || isForeign(value) })
    return false
  }
  const list = listIn(value)
  if (list && depthLeft > 0) return collectEach(list, true)
  add(
    isErrorAnswer(value)
      ? { error: 'Expected a log, got an error answer of a server. Was its address right, and the key?' }
      : { log: value, isForeign: isAnswer },
  )
  return false
}

const isLog = (value: object): boolean => 'platform' in value || 'eventType' in value

/** `_id` comes from an export or another server; upper-case event types from GraphQL, which producers do not write. */
const isForeign = (value: object): boolean =>
  ('_id' in value && value._id !== null) ||
  ('eventType' in value && typeof value.eventType === 'string' && /^[A-Z_]+$/.test(value.eventType))

/** What a page, a connection or an answer lists. */
function listIn(value: object): readonly unknown[] | undefined {
  for (const name of ['logs', 'nodes', 'edges']) {
    const list: unknown = Reflect.get(value, name)
    if (Array.isArray(list)) return list as unknown[]
  }
  for (const name of ['node', 'log']) {
    const inner: unknown = Reflect.get(value, name)
    if (isObject(inner)) return [inner]
  }
  const data: unknown = Reflect.get(value, 'data')
  if (!isObject(data)) return undefined
  if (Array.isArray(data)) return data as unknown[]
  if (isLog(data) || listIn(data)) return [data]
  const fields = Object.values(data).filter((field) => isObject(field) && (isLog(field) || listIn(field)))
  return fields.length > 0 ? fields : undefined
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** What only logs have. */
const LOG_FIELDS = ['_id', 'eventId', 'userId', 'accountId', 'profileId', 'connectionMethod', 'createdAt']

function isErrorAnswer(value: object): boolean {
  const has = (name: string) => name in value
  if (LOG_FIELDS.some(has)) return false
  return (
    ['error', 'errors'].some(has) ||
    (['message', 'detail'].some(has) && ['status', 'statusCode', 'code'].some(has))
  )
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'string' ? 'text' : `a ${typeof value}`
}

const OWN_CSV_HEADER = exportFormats.csv.head.trim()

/** What an input is that begins with a line of this text, if it is known to hold no logs: the end of a sentence. */
export function foreignForm(firstLine: string): string | undefined {
  const text = firstLine.trim()
  if (/^<(?:!doctype|html|head|body)\b/i.test(text))
    return 'is an HTML page, not logs. Was the address that of the API, and the key right?'
  if (/^<\?xml\b/i.test(text)) return 'is XML. Import takes JSON.'
  if (text.replaceAll('"', '') === OWN_CSV_HEADER)
    return 'is a CSV export, which has lost what CSV cannot hold. Export it as NDJSON: `connlog export`.'
  return undefined
}
