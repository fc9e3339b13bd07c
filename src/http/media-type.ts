import { AppError, showHeader } from '../kernel/errors.ts'
import { type StreamFormat, multipart, serverSentEvents } from './stream-format.ts'

export const JSON_TYPE = 'application/json'
const RESPONSE_TYPE = 'application/graphql-response+json'

/** In which forms a request takes its answer. It is decided here, once, from the header `Accept`. */
export interface Acceptable {
  /** The media type of an answer in one piece; undefined if neither type of JSON is accepted. */
  readonly json: typeof JSON_TYPE | typeof RESPONSE_TYPE | undefined
  /** How a stream of results is written; undefined if none is accepted. */
  readonly stream: StreamFormat | undefined
}

/** An element of the header `Accept`, such as `text/*;q=0.5`. */
interface MediaRange {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
  /** From 0, which refuses, to 1. */
  readonly weight: number
}

interface Candidate {
  readonly type: string
  /** Parameters that a range has to have, with their values. */
  readonly required?: Readonly<Record<string, string>>
}

const JSON_CANDIDATES = [{ type: JSON_TYPE }, { type: RESPONSE_TYPE }] as const
const STREAM_CANDIDATES = [
  { type: 'text/event-stream', format: serverSentEvents },
  { type: 'multipart/mixed', required: { subscriptionspec: '1.0' }, format: multipart },
] as const

/**
 * Content negotiation as in RFC 9110: the most specific range that matches a type decides whether it is accepted, and
 * how much. Of equal weights the first one wins. A missing or empty header accepts everything.
 * https://www.rfc-editor.org/rfc/rfc9110#name-accept
 */
export function acceptableFor(accept: string | null): Acceptable {
  const text = accept?.trim() || '*/*'
  if (text === '*/*') return ACCEPTS_EVERYTHING
  const ranges = parseAccept(text)
  return {
    json: preferred(JSON_CANDIDATES, ranges)?.type,
    stream: preferred(STREAM_CANDIDATES, ranges)?.format,
  }
}

const ACCEPTS_EVERYTHING: Acceptable = { json: JSON_TYPE, stream: serverSentEvents }

/** The header of an answer in one piece. A failure is sent as JSON even to a request that does not accept it. */
export const contentTypeOf = ({ json }: Acceptable): string => `${json ?? JSON_TYPE}; charset=utf-8`

/**
 * Rejects an operation whose answer its request would not accept, before anything is executed.
 * @throws {AppError} BAD_USER_INPUT with HTTP 406
 */
export function requireAcceptable(
  { json, stream }: Acceptable,
  isSubscription: boolean,
  accept: string | null,
): void {
  if (stream || (json && !isSubscription)) return
  const expected = isSubscription
    ? 'text/event-stream, as subscriptions are answered'
    : `${JSON_TYPE} or ${RESPONSE_TYPE}`
  const sentence = `Expected the header \`accept\` to take ${expected}, got ${accept === null ? 'none' : showHeader(accept)}.`
  throw new AppError('BAD_USER_INPUT', sentence, { status: 406 })
}

function preferred<T extends Candidate>(
  candidates: readonly T[],
  ranges: readonly MediaRange[],
): T | undefined {
  let best: { readonly candidate: T; readonly weight: number; readonly position: number } | undefined
  for (const candidate of candidates) {
    const match = mostSpecific(candidate, ranges)
    if (!match || match.weight === 0) continue
    if (
      !best ||
      match.weight > best.weight ||
      (match.weight === best.weight && match.position < best.position)
    )
      best = { candidate, ...match }
  }
  return best?.candidate
}

/** The range that decides about a type: its weight, and where it stands. */
function mostSpecific(candidate: Candidate, ranges: readonly MediaRange[]) {
  let found: { readonly weight: number; readonly position: number; readonly specificity: number } | undefined
  for (const [position, range] of ranges.entries()) {
    const specificity = specificityOf(candidate, range)
    if (specificity > (found?.specificity ?? 0)) found = { weight: range.weight, position, specificity }
  }
  return found
}

/** How precisely a range names a type; 0 if it does not. Parameters that mean nothing here are ignored. */
function specificityOf({ type, required = {} }: Candidate, range: MediaRange): number {
  const charset = range.parameters.get('charset')
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') return 0
  if (range.type === '*/*') return 1
  if (range.type === `${type.slice(0, type.indexOf('/'))}/*`) return 2
  if (range.type !== type) return 0
  const isWhole = Object.entries(required).every(([name, value]) => range.parameters.get(name) === value)
  if (!isWhole) return 0
  return charset === undefined ? 3 : 4
}

/** A quote that is not closed reaches to the end, so that no header is scanned twice. */
const QUOTED_OR_NOT = /"(?:[^"\\]|\\.)*"?|[^",;]+|[,;]/gs

/** Splits at commas and semicolons that are not inside quotes. Names and values are case-insensitive. */
function parseAccept(accept: string): MediaRange[] {
  const elements: string[][] = [['']]
  for (const [token] of accept.matchAll(QUOTED_OR_NOT)) {
    const parts = elements.at(-1)
    if (token === ',') elements.push([''])
    else if (token === ';') parts?.push('')
    else if (parts) parts[parts.length - 1] += token
  }
  return elements.map(([type = '', ...parts]) => {
    const parameters = new Map(parts.map(parameterOf))
    // Java's HttpURLConnection sends `*` for `*/*`.
    const range = type.trim().toLowerCase()
    return { type: range === '*' ? '*/*' : range, parameters, weight: weightOf(parameters.get('q')) }
  })
}

function parameterOf(part: string): [name: string, value: string] {
  const [name = '', ...value] = part.split('=')
  const text = value.join('=').trim().toLowerCase()
  return [
    name.trim().toLowerCase(),
    /^".*"$/s.test(text) ? text.slice(1, -1).replaceAll(/\\(.)/gs, '$1') : text,
  ]
}

/** What is no weight refuses nothing. */
function weightOf(text: string | undefined): number {
  return text !== undefined && /^(\d+(\.\d*)?|\.\d+)$/.test(text) ? Math.min(Number(text), 1) : 1
}
