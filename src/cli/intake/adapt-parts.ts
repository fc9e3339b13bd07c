import {
  MAX_ACCOUNT_TYPE_LENGTH,
  MAX_DISPLAY_NAME_LENGTH,
  MAX_DURATION_MS,
  MAX_PERMISSIONS,
  MAX_PERMISSION_LENGTH,
  MAX_PICTURE_LENGTH,
  MAX_USERNAME_LENGTH,
} from '../../connections/input.ts'
import { parseMetadata, requireSize } from '../../connections/metadata.ts'
import { redactJson } from '../../connections/redact-json.ts'
import { AppError, cut } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { instantTextOf, isAbsent, jsonTextOf, numberOf, textOf, withDigitsAsText } from './values.ts'

/** Notes that a field, or what it held, is left out. */
export type Skip = (field: string) => void

type Fields = Readonly<Record<string, unknown>>

/** Makes the value of a field one that is taken, or undefined where it cannot be. */
type Adapt = (value: unknown) => unknown

const upTo =
  (length: number): Adapt =>
  (value) => {
    const text = textOf(value)
    return text === undefined ? undefined : cut(text, length)
  }

const SUCCESS: Readonly<Record<string, Adapt>> = {
  displayName: upTo(MAX_DISPLAY_NAME_LENGTH),
  username: upTo(MAX_USERNAME_LENGTH),
  // A part of an address leads nowhere.
  profilePicture: (value) =>
    typeof value === 'string' && value.length <= MAX_PICTURE_LENGTH ? value : undefined,
  permissions: permissionsOf,
  tokenExpiresAt: instantTextOf,
  accountType: upTo(MAX_ACCOUNT_TYPE_LENGTH),
}

/** What is too long is cut where it is recorded, after secrets are taken out of it. */
const ERROR: Readonly<Record<string, Adapt>> = {
  code: textOf,
  message: (value) => textOf(value) ?? jsonTextOf(value),
  rawResponse: (value) => textOf(value) ?? jsonTextOf(value),
}

const flag: Adapt = (value) => (typeof value === 'boolean' ? value : undefined)
const CONTEXT: Readonly<Record<string, Adapt>> = {
  hasCustomRedirectUrl: flag,
  isHeadlessMode: flag,
  isReconnection: flag,
  isBYOK: flag,
}
/** Never stored, so not missed either. */
const TOKENS = ['invitationToken', 'connectToken']

export const successOf = (value: unknown, skip: Skip) => partOf('success', SUCCESS, value, skip)

/** An error may be a text, which is its message. */
export const errorOf = (value: unknown, skip: Skip) =>
  partOf('error', ERROR, typeof value === 'string' && value !== '' ? { message: value } : value, skip)

export function contextOf(value: unknown, skip: Skip): Fields | undefined {
  return partOf('context', CONTEXT, value, (field) => {
    if (!TOKENS.some((token) => field === `context.${token}`)) skip(field)
  })
}

function partOf(
  name: string,
  known: Readonly<Record<string, Adapt>>,
  value: unknown,
  skip: Skip,
): Fields | undefined {
  if (isAbsent(value)) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) {
    skip(name)
    return undefined
  }
  const part: Record<string, unknown> = {}
  for (const [field, inner] of Object.entries(value)) {
    if (field === '__typename' || isAbsent(inner)) continue
    const adapted = Object.hasOwn(known, field) ? known[field]?.(inner) : undefined
    if (adapted === undefined) skip(`${name}.${field}`)
    else part[field] = adapted
  }
  return part
}

/** A list of texts, or one text in which blanks or commas stand between them. */
function permissionsOf(value: unknown): string[] | undefined {
  const list: unknown =
    typeof value === 'string' ? value.split(/[\s,]+/).filter((text) => text !== '') : value
  if (!Array.isArray(list)) return undefined
  const texts = list.map(textOf).filter((text) => text !== undefined)
  return texts.length < list.length
    ? undefined
    : texts.slice(0, MAX_PERMISSIONS).map((text) => cut(text, MAX_PERMISSION_LENGTH))
}

export function durationOf(value: unknown, skip: Skip): number | undefined {
  if (isAbsent(value)) return undefined
  const ms = Math.round(numberOf(value) ?? Number.NaN)
  if (ms >= 0 && ms <= MAX_DURATION_MS) return ms
  skip('durationMs')
  return undefined
}

/** Metadata is kept whole or not at all: a part of it would say something else. */
export function metadataOf(value: unknown, skip: Skip): JsonObject | undefined {
  if (isAbsent(value)) return undefined
  try {
    const metadata = parseMetadata(withDigitsAsText(value), 'metadata', undefined)
    requireSize(redactJson(metadata), 'metadata', undefined, 'once redacted')
    return metadata
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    skip('metadata')
    return undefined
  }
}
