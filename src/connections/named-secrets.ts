import {
  isAuthorizationCode,
  isLongToken,
  isState,
  isTokenLike,
  withoutEndingSigns,
} from '../kernel/token-like.ts'
import { bracketAt, credentialsAt, elementAt, isCount, isSecretValue, restOfLine } from './secret-values.ts'
import { type SecretName, kindOfName, secretNames } from './secret-names.ts'
import { BLANKS, QUOTE, matchAt, quoteAt, sticky } from './notation.ts'
import { REDACTED, isRedacted } from './token-shapes.ts'
import { type Found, endOfBracket, endOfQuoted } from './value-ends.ts'

/**
 * Secrets that are named: a name, a separator and a value, in any notation. The text is read once from left to right:
 * each name that is found is looked at from its end, and what is replaced is not read again.
 */

/** What closes between a name and its separator: `user[password]`, `["access_token"]`, `tokens[0]`. */
const CLOSED = String.raw`(?:\[\w{0,40}\]|%5B\w{0,40}%5D)?(?:[\])]|%5D)?`
const COLON = '(?::(?!:)|%(?:25){0,3}3A|&#(?:58|x3a);)'
const ARROW = '(?:=>|=&gt;|:=|={1,3}|%(?:25){0,3}3D|&#(?:61|x3d);)'
/** The type in front of a value, as var_dump, Go, Rust and Python write it. */
const TYPE = String.raw`(?:string\(\d{1,9}\)\s*|\(\*?\w{1,20}\)|Some\(|SecretStr\(|&?\[\]\w{1,20}(?=\{)|map\[\w{1,20}\](?:\[\])?\w{1,20}(?=\{)|array\(\d{1,9}\)\s*(?=\{)|Array\s*(?=\()|[bur](?=["']))?`

const SEPARATED = sticky(`(${QUOTE})?${CLOSED}${BLANKS}(?:(${COLON})|(${ARROW}))${BLANKS}${TYPE}`)
/** `["authorization", "…"]`, `{"name": "access_token", "value": "…"}`, `name="access_token" value="…"`. */
const PAIRED = sticky(
  `${QUOTE}${BLANKS}(?:,${BLANKS}(${QUOTE}?(?:value|val|values|content)${QUOTE}?${BLANKS}(?:[:=]|=>)${BLANKS})?|(value=))(?=${QUOTE})`,
)
/** A part of a multipart form, behind the line that names it. */
const FORM_PART = sticky(String.raw`${QUOTE}(?:\r?\n|\\r\\n|\\n){2}`)
/** The end of the tag that the name stands in: `<access_token>`, `<string name="access_token">`. */
const TAG_END = sticky(String.raw`(?:${QUOTE})?(?:\s[^<>]{0,400})?(?:>|&gt;|%3E)(?:<!\[CDATA\[)?`)
const TAG_START = /(?:<|&lt;|%3C)(?:[\w.-]{0,60}:)?([\w.-]{0,80})$/i
const NAMED_TAG_START = /<([\w:.-]{1,60})\s[^<>]{0,60}name=["'][\w.-]{0,80}$/i
const LONGEST_TAG_START = 260
/** A value that follows its name in a sentence: `Invalid access token "abc1"`. */
const FOLLOWING = sticky(String.raw`[ \t]{1,9}(?:is |was |\()?`)
const NEXT_OF_LIST = sticky(String.raw`["']?\s*,\s*(?=["']?[^\s,;=:"'}\]&]+["']?(?:[\s,;}\]&]|$))`)
const MORE_WORDS = sticky(String.raw`[ \t]+[A-Za-z(]`)

const BARE = sticky(String.raw`[^\s&,;<>}\]"'\\\x60]+`)
/** The same inside an address, where what ends a value is encoded. */
const BARE_ENCODED = sticky(String.raw`(?:(?!%(?:25){0,3}(?:22|26|27|2C|7D|5D))[^\s&,;<>}\]"'\\\x60])+`)
/** The code of a callback ends where another name could begin. */
const CODE = sticky(String.raw`[^\s&,;<>}\]"'\\\x60?=:#]+={0,2}`)
/** Codes are shorter; what a field says instead may be as long as it likes. */
const LONGEST_CODE = 2_048
/** `a=b; c="d"`, as distinct from a sentence about cookies. */
const COOKIES = sticky(String.raw`[^\s="'\\]{1,80}=(?:"[^"\r\n\\]*"|[^\r\n"'\\\x60<>])*`)

/** What is known of a value from what stands in front of it. */
interface Place {
  readonly kind: SecretName
  /** `=` is followed by a value, a colon by a value or a sentence; what only comes next has to be token-like. */
  readonly certainty: 'sure' | 'colon' | 'likely'
  /** Whether a lone word is a value, and not the beginning of a sentence. */
  readonly isProgram: boolean
  readonly isEncoded?: boolean
}

/** The text without the values of what is named like a secret. */
export function redactNamed(text: string): string {
  const names = secretNames()
  const kept: string[] = []
  let done = 0
  for (let name = names.exec(text); name; name = names.exec(text)) {
    const kind = kindOfName(name[0], name[1], name[2])
    const end = name.index + name[0].length
    if (kind === 'code' && isCodeOfError(text, name.index)) continue
    for (let found = valueBehind(text, name.index, end, kind); found;) {
      kept.push(text.slice(done, found.from), REDACTED)
      done = found.to
      names.lastIndex = done
      const next = kind === 'plural' ? matchAt(NEXT_OF_LIST, text, done) : undefined
      found = next && valueAt(text, done + next[0].length, { kind, certainty: 'likely', isProgram: true })
    }
  }
  return done === 0 ? text : kept.join('') + text.slice(done)
}

/** `Error code: 7F3A-21`, `exit code=…`. */
const isCodeOfError = (text: string, at: number): boolean =>
  /(?:error|err|status|exit|exception|fault|reason|response|result|http|country|zip|postal|language)[\s_-]{1,3}$/i.test(
    text.slice(Math.max(0, at - 14), at),
  )

function valueBehind(text: string, start: number, end: number, kind: SecretName): Found | undefined {
  const separated = matchAt(SEPARATED, text, end)
  if (separated) {
    const [all, quote, colon] = separated
    const at = end + all.length
    if (text.charAt(end) === ']' && colon === undefined && all.includes('>'))
      return text.charAt(at) === '(' && kind !== 'code' && /array\s*$/i.test(all)
        ? { from: at, to: endOfBracket(text, at) }
        : lineAt(text, at, kind)
    return valueAt(text, at, {
      kind,
      certainty: colon === undefined ? 'sure' : 'colon',
      isProgram: quote !== undefined || isIdentifier(text, start, end),
      isEncoded: all.includes('%'),
    })
  }
  const paired = matchAt(PAIRED, text, end)
  if (paired) {
    const certainty = paired[1] !== undefined || paired[2] !== undefined ? 'sure' : 'likely'
    return valueAt(text, end + paired[0].length, { kind, certainty, isProgram: false })
  }
  const part = matchAt(FORM_PART, text, end)
  if (part) return lineAt(text, end + part[0].length, kind)
  const tag = matchAt(TAG_END, text, end)
  if (tag && !tag[0].endsWith('/>')) {
    const before = text.slice(Math.max(0, start - LONGEST_TAG_START), start)
    const own = TAG_START.exec(before)?.[1]
    const element = own === undefined ? NAMED_TAG_START.exec(before)?.[1] : own + text.slice(start, end)
    if (element !== undefined) return elementAt(text, end + tag[0].length, element, kind)
  }
  const following = matchAt(FOLLOWING, text, end)
  return following && kind !== 'code' ? valueInSentence(text, end + following[0].length, kind) : undefined
}

/** Names that only programs write: `access_token`, `accessToken`; also what begins a line, as in YAML. */
function isIdentifier(text: string, start: number, end: number): boolean {
  const from = text.slice(Math.max(0, start - 40), end)
  const name = /[\w-]+$/.exec(from)?.[0] ?? ''
  return /[_-]|[a-z][A-Z]/.test(name) || /(?:^|\n|\\n)[ \t-]*$/.test(from.slice(0, from.length - name.length))
}

/** The value that begins at a place, if it is a secret. */
function valueAt(text: string, at: number, place: Place): Found | undefined {
  const { kind, certainty } = place
  if (isRedacted(text, at)) return undefined
  const quote = quoteAt(text, at)
  if (quote !== undefined) return quotedAt(text, at + quote.length, quote, place)
  if (kind === 'code' && text.charAt(at) === '[' && text.charAt(at + 1) !== '[')
    return valueAt(text, at + 1, place)
  if (text.charAt(at) === '{' || text.charAt(at) === '[')
    return bracketAt(text, at, kind, certainty === 'sure')
  if (kind === 'authorization') return credentialsAt(text, at, certainty === 'sure')
  const cookies = kind === 'cookie' ? matchAt(COOKIES, text, at) : undefined
  return cookies ? { from: at, to: at + cookies[0].length } : bareAt(text, at, place)
}

function quotedAt(text: string, from: number, quote: string, { kind, certainty }: Place): Found | undefined {
  const to = endOfQuoted(kind === 'code' ? text.slice(0, from + LONGEST_CODE) : text, from, quote)
  return isSecretValue(text, from, to, kind, certainty !== 'likely') ? { from, to } : undefined
}

function bareAt(
  text: string,
  at: number,
  { kind, certainty, isProgram, isEncoded }: Place,
): Found | undefined {
  const run = matchAt(kind === 'code' ? CODE : isEncoded === true ? BARE_ENCODED : BARE, text, at)?.[0] ?? ''
  const value = withoutEndingSigns(run)
  const found = { from: at, to: at + value.length }
  if (kind === 'code') return isAuthorizationCode(value) ? found : undefined
  if (isState(value) || isCount(value, kind, certainty === 'sure')) return undefined
  if (certainty === 'sure' || isTokenLike(value)) return found
  const isLone = isProgram && certainty === 'colon' && value.length > 2
  return isLone && !matchAt(MORE_WORDS, text, at + run.length) ? found : undefined
}

function valueInSentence(text: string, at: number, kind: SecretName): Found | undefined {
  if (isRedacted(text, at)) return undefined
  const quote = quoteAt(text, at)
  if (quote !== undefined)
    return quotedAt(text, at + quote.length, quote, { kind, certainty: 'likely', isProgram: false })
  const value = withoutEndingSigns(matchAt(BARE, text, at)?.[0] ?? '')
  return isLongToken(value) && !/[=:]/.test(value.slice(0, -2))
    ? { from: at, to: at + value.length }
    : undefined
}

/** A value that ends with its line, as print_r and forms of several parts write them. */
function lineAt(text: string, at: number, kind: SecretName): Found | undefined {
  if (quoteAt(text, at) !== undefined || /[[{]/.test(text.charAt(at)))
    return valueAt(text, at, { kind, certainty: 'sure', isProgram: true })
  return restOfLine(text, at, kind)
}
