import type { JsonValue } from '../kernel/json.ts'
import { isAuthorizationCode, isState } from '../kernel/token-like.ts'
import { redactText } from './redact.ts'
import { secretOfKey } from './secret-names.ts'
import { isSecretValue } from './secret-values.ts'
import { REDACTED } from './token-shapes.ts'

/** Redacts every text inside a JSON value, keys too, and whatever stands under a key that names a secret. */
export function redactJson<T extends JsonValue>(value: T): T {
  return redact(value) as T
}

function redact(value: JsonValue): JsonValue {
  if (typeof value === 'string') return redactText(value)
  if (Array.isArray(value)) return redactList(value)
  if (value === null || typeof value !== 'object') return value
  const isPair = isNamedPair(value)
  const redacted = new Map<string, JsonValue>()
  for (const [key, inner] of Object.entries(value))
    redacted.set(freeKey(redacted, redactText(key)), redactUnder(key, inner, isPair))
  return Object.fromEntries(redacted)
}

/** Two keys may become one, and neither value is to be lost. */
function freeKey(taken: ReadonlyMap<string, JsonValue>, key: string): string {
  let free = key
  for (let times = 2; taken.has(free); times += 1) free = `${key} (${times})`
  return free
}

function redactUnder(key: string, value: JsonValue, isPair: boolean): JsonValue {
  if (value === null || typeof value === 'boolean') return value
  const secret = isPair && VALUE_KEY.test(key) ? 'secret' : secretOfKey(key)
  if (secret === undefined) return redact(value)
  if (secret === 'code')
    return typeof value === 'string' && isAuthorizationCode(value) ? REDACTED : redact(value)
  const texts = Array.isArray(value) ? value : [value]
  if (texts.every((text) => typeof text === 'string' && isState(text))) return value
  return secret === 'plural' && typeof value === 'number' ? value : REDACTED
}

const NAME_KEY = /^(?:name|key|header|param|parameter|field|property)$/i
const VALUE_KEY = /^(?:value|values|val|content|data)$/i

/** `{"name": "access_token", "value": "…"}` */
const isNamedPair = (value: Readonly<Record<string, JsonValue>>): boolean =>
  Object.entries(value).some(
    ([key, inner]) => NAME_KEY.test(key) && typeof inner === 'string' && isSecretName(inner),
  )

const isSecretName = (text: string): boolean => {
  const secret = secretOfKey(text)
  return secret !== undefined && secret !== 'code' && !/\s/.test(text)
}

/** Headers come as lists too, in which a value follows its name. */
function redactList(list: readonly JsonValue[]): JsonValue[] {
  return list.map((value, index) => {
    const before = list[index - 1]
    return typeof before === 'string' && isSecretName(before) && isSecretAfterName(before, value)
      ? REDACTED
      : redact(value)
  })
}

function isSecretAfterName(name: string, value: JsonValue): boolean {
  if (Array.isArray(value)) return true
  const kind = secretOfKey(name)
  return typeof value === 'string' && kind !== undefined && isSecretValue(value, 0, value.length, kind, false)
}
