import { isAuthorizationCode, isState, isTokenLike } from '../kernel/token-like.ts'
import { afterBlanks, matchAt, quoteAt, sticky } from './notation.ts'
import type { SecretName } from './secret-names.ts'
import { REDACTED, isRedacted } from './token-shapes.ts'
import { type Found, endOfBracket } from './value-ends.ts'

/** Which values of a secret's name are secrets, and where those end that neither a quote nor a blank ends. */

/** `client_id_2`: in a list of names, that of the next field. */
const FIELD_NAME = /^[a-z]+(?:_[a-z]+)*(?:_?\d)?$/

/** @param isSure whether the notation makes it a value, so that it need not look like one */
export function isSecretValue(
  text: string,
  from: number,
  to: number,
  kind: SecretName,
  isSure: boolean,
): boolean {
  const value = text.slice(from, to)
  if (value === '' || value === REDACTED || (to === text.length && isRedacted(text, from))) return false
  if (kind === 'code') return isAuthorizationCode(value)
  if (isState(value)) return false
  if (isSure) return true
  if (kind === 'authorization') return isTokenLike(value)
  if (kind === 'cookie' && value.includes('=')) return true
  return isTokenLike(value) && !/\s/.test(value) && !FIELD_NAME.test(value)
}

/** Numbers that no secret is: `token=190`, `api_key: 3 left`, `"tokens": 4096`. */
export function isCount(value: string, kind: SecretName, isSure: boolean): boolean {
  if (value.length > 20 || !/^[\d.,]+$/.test(value)) return false
  if (kind === 'plural') return true
  if (kind === 'password') return value.length <= 2
  return value.length <= (isSure ? 3 : 4)
}

/** The first word in a bracket. */
const WORD = sticky(String.raw`[^\s&,;<>}\]"'\\\x60]+`)

/** A list or an object goes as a whole, where it is one and not a remark in brackets. */
export function bracketAt(text: string, at: number, kind: SecretName, isSure: boolean): Found | undefined {
  const inner = afterBlanks(text, at + 1)
  const sign = text.charAt(inner)
  if (kind === 'code' || sign === ']' || sign === '}' || isRedacted(text, inner)) return undefined
  const isList =
    isSure ||
    kind === 'cookie' ||
    text.charAt(at) === '{' ||
    quoteAt(text, inner) !== undefined ||
    /[[{]/.test(sign) ||
    isTokenLike(matchAt(WORD, text, inner)?.[0] ?? '')
  if (!isList) return undefined
  const to = endOfBracket(text, at)
  return areStates(text.slice(at + 1, Math.min(to - 1, at + LONGEST_STATES))) ? undefined : { from: at, to }
}

/** `["is invalid", "is too short"]` */
const areStates = (inside: string) =>
  inside.length < LONGEST_STATES - 1 && inside.split(',').every((part) => isState(part.trim()))
const LONGEST_STATES = 300

const SCHEMES = new Set(
  'bearer basic digest token oauth hawk negotiate ntlm dpop apikey googlelogin signature aws4-hmac-sha256'.split(
    ' ',
  ),
)
const SCHEME = sticky(String.raw`([A-Za-z][\w-]{1,30})(?:[ \t]+|%20|\+)`)
/** The beginning of a list such as `username="…", response="…"`. */
const PARAMETER = sticky(String.raw`[\w-]{1,40}=(?!=?(?:[\s"',;]|$))`)
const QUOTED_PARAMETER = sticky(String.raw`[\w-]{1,40}=\\*["']`)
const LINE = sticky(String.raw`[^\r\n]+`)
const CREDENTIALS = sticky(String.raw`[^\s,;<>}\]"'\\\x60]+`)

/** What a header `Authorization` holds: its scheme goes with it. */
export function credentialsAt(text: string, at: number, isSure: boolean): Found | undefined {
  const scheme = matchAt(SCHEME, text, at)
  const from = at + (scheme?.[0].length ?? 0)
  const isKnown = SCHEMES.has(scheme?.[1]?.toLowerCase() ?? '')
  if (isKnown && (matchAt(PARAMETER, text, from) || matchAt(QUOTED_PARAMETER, text, from)))
    return { from: at, to: at + (matchAt(LINE, text, at)?.[0].length ?? 0) }
  for (const start of [from, at]) {
    const value = matchAt(CREDENTIALS, text, start)?.[0] ?? ''
    const isCredential =
      isTokenLike(value) || (isSure && scheme === undefined && value !== '' && !isState(value))
    if (isCredential) return { from: at, to: start + value.length }
  }
  return undefined
}

const PLAIN_LINE = sticky(String.raw`[^\r\n\\]+`)

/** A value that ends with its line. */
export function restOfLine(text: string, from: number, kind: SecretName): Found | undefined {
  const line = matchAt(PLAIN_LINE, text, from)?.[0].trimEnd() ?? ''
  const to = from + line.length
  const isSecret =
    !isRedacted(text, from) && !isCount(line, kind, true) && isSecretValue(text, from, to, kind, true)
  return isSecret ? { from, to } : undefined
}

/** How far the end of an element is looked for. */
const ELEMENT_LENGTH = 4_096

/** What an element of XML holds, its children with it; where it is not closed, the next word. */
export function elementAt(text: string, from: number, name: string, kind: SecretName): Found | undefined {
  const inside = text.slice(from, from + ELEMENT_LENGTH)
  const pattern = name.replaceAll(/[^\w-]/g, '.')
  const close = inside.search(
    new RegExp(String.raw`(?:\]\]>)?(?:<|&lt;|%3C)(?:/|%2F)(?:[\w.-]{1,60}:)?${pattern}(?![\w-])`, 'i'),
  )
  const length = close === -1 ? inside.search(/[\s<]|\]\]>|&lt;|%3C|$/i) : close
  const value = inside.slice(0, length)
  if (value.trim() === '' || isRedacted(text, from) || isCount(value, kind, true)) return undefined
  return isSecretValue(text, from, from + length, kind, true) ? { from, to: from + length } : undefined
}
