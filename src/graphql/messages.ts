import { cut, isSecretField, showKind } from '../kernel/errors.ts'
import { endOfString } from '../kernel/parse-json.ts'
import { isPlain } from '../kernel/token-like.ts'

/**
 * What GraphQL says of a wrong value, without the value where it may be a secret: GraphQL repeats it whole, be it
 * megabytes or a token in the wrong place. Names of types, fields and values of enums stay.
 */
export function withoutValues(given: string): string {
  const message = given.length <= LONG_MESSAGE ? given : withoutLongTexts(given)
  const isSecret = [...message.matchAll(FIELD)].some(([, written, path]) =>
    isSecretField(written ?? path ?? ''),
  )
  const texts: string[] = []
  const put = (text: string) => `\u0001${texts.push(text) - 1}\u0001`
  const masked = message
    .replaceAll('\u0001', '')
    .replace(OUR_FIELD, put)
    .replace(BLOCK, (block) => put(showKind(block.slice(3, -3))))
    .replace(QUOTED, (quoted, at: number) => {
      const text = unquoted(quoted)
      const before = message.slice(Math.max(0, at - 20), at)
      if (isSecret && BEFORE_VALUE.test(before)) return put(showKind(text))
      const isName = !before.endsWith('Field ') || /^[_A-Za-z]\w*$/.test(text)
      return put(isName && isPlain(text) ? quoted : showKind(text))
    })
  const brief = collapsed(masked)
    .replace(NAME_AS_VALUE, (all, before: string, name: string) =>
      isPlain(name) ? all : `${before}a name of ${name.length} characters`,
    )
    .replace(NUMBER_AS_VALUE, (all, before: string) => (isSecret ? `${before}a number` : all))
    .replace(PLACE_OF_TEXT, (_, index: string) => texts[Number(index)] ?? '')
  return brief.length <= 2 * HALF_LENGTH ? brief : `${cut(brief, HALF_LENGTH)} … ${brief.slice(-HALF_LENGTH)}`
}

/** Each look at a message costs as much as it is long. */
const LONG_MESSAGE = 4_096
const LONG_TEXT = 1_024

/** The message with the length of each long text in its place; no part of it would be shown. */
function withoutLongTexts(message: string): string {
  let brief = ''
  let from = 0
  for (let quote = message.indexOf('"'); quote !== -1; quote = message.indexOf('"', from)) {
    const end = endOfString(message, quote)
    const text = message.slice(quote, end)
    brief += message.slice(from, quote) + (text.length <= LONG_TEXT ? text : showKind(unquoted(text)))
    from = end
  }
  return brief + message.slice(from)
}

/** The field that a message is about, as we put it in front or as GraphQL says it of variables. */
const FIELD = /`([^`]{1,200})`| at "([^"]{1,200})"/g
const OUR_FIELD = /(?<=^Wrong value for )`[\w.[\]]{1,200}`/g
const BLOCK = /"""(?:(?!""")(?:\\"""|[^]))*(?:"""|$)/g
const QUOTED = /"[^"\\]*(?:\\.[^"\\]*)*"/gs
const BEFORE_VALUE = /(?:value|value:|found|got) $/i
const NAME_AS_VALUE = /((?:value:?|found|got) )([A-Za-z_]\w*)/g
const NUMBER_AS_VALUE = /((?:value:?|found|got) )-?\d[\d.eE+-]*/g
// oxlint-disable-next-line no-control-regex -- it stands where a text was, and no message holds it
const PLACE_OF_TEXT = /\u0001(\d+)\u0001/g
const HALF_LENGTH = 500
/** GraphQL shows no more levels of a value. */
const LEVELS = 5

function collapsed(message: string): string {
  let text = message
  for (let level = 0; level < LEVELS; level += 1)
    text = text.replace(/\{[^{}]+\}/g, 'an object').replace(/\[[^[\]]+\]/g, 'a list')
  return text
}

function unquoted(quoted: string): string {
  try {
    return String(JSON.parse(quoted))
  } catch {
    return quoted.slice(1, -1)
  }
}
