import { type Line, MAX_LINE_BYTES, lineFault } from '../../connections/lines.ts'
import { type JsonScanner, createJsonScanner, jsonFault } from '../../kernel/json-scanner.ts'
import { parseJson } from '../../kernel/parse-json.ts'

/** The largest JSON value that is read as a whole. A page of Late holds at most 100 logs. */
export const MAX_DOCUMENT_BYTES = 64 * MAX_LINE_BYTES

/** A JSON value, or lines that hold none. Lines count from 1. */
export type Piece =
  | { readonly is: 'value'; readonly line: number; readonly bytes: number; readonly value: unknown }
  | { readonly is: 'fault'; readonly line: number; readonly lastLine: number; readonly error: string }

export interface JsonReader {
  read(line: Line): Piece[]
  /** What was begun and not completed when the input ended. */
  end(): Piece[]
}

/** A value whose first lines have come. */
interface Open {
  readonly line: number
  readonly texts: string[]
  readonly scanner: JsonScanner
  bytes: number
}

/** Lines that began a value and did not complete it. */
interface Broken {
  readonly line: number
  lastLine: number
  readonly error: string
}

/** Latin-1 is not guessed: its bytes have other meanings in other encodings, and a log is never changed afterwards. */
const CONVERT = 'If the text is Latin-1, convert it: `iconv -f WINDOWS-1252 -t UTF-8`.'
const CUT = 'Expected the line to be JSON, got only its beginning.'

/** Before a value: blanks, and the record separator of RFC 7464. */
const BEFORE = /[\s\u001e]*/y // oxlint-disable-line no-control-regex -- that separator is a control character
/** After a value, too: the comma that stood there in a list. */
const AFTER = /\s*,?[\s\u001e]*/y // oxlint-disable-line no-control-regex -- as above

/**
 * Reads JSON values from lines: one a line, one over many lines, several on a line, all of these in turn. A line is
 * complete in itself wherever it can be, so each is judged when it comes. If lines that seemed to begin a value do not
 * go on as JSON, the first is rejected and the others are read again, each as the beginning of another value: of a list
 * that was cut, the elements that stand on a line of their own are found so. The indented rest of a broken value is
 * rejected together with its beginning.
 */
export function createJsonReader(): JsonReader {
  let open: Open | undefined
  let broken: Broken | undefined

  function takeBroken(): Piece[] {
    if (!broken) return []
    const { line, lastLine, error } = broken
    broken = undefined
    return [{ is: 'fault', line, lastLine, error: lastLine === line ? CUT : error }]
  }

  /** @param from where on the line the value before it ended */
  function begin(line: Line, from = 0): Piece[] {
    const { content } = line
    if (content.is === 'text' && past(BEFORE, content.text, from) === content.text.length) return []
    const canBegin = content.is === 'text' && /^[[{]/.test(content.text)
    const pieces = broken && !canBegin ? undefined : valuesOn(line, from)
    if (!broken) return pieces ?? []
    if (pieces && !pieces.some(({ is }) => is === 'fault')) return [...takeBroken(), ...pieces]
    broken.lastLine = line.line
    return []
  }

  /** The values on a line; what is left open at its end goes on with the next. */
  function valuesOn({ line, bytes, content }: Line, from: number): Piece[] {
    if (content.is !== 'text')
      return [
        fault(line, content.is === 'not UTF-8' ? `${lineFault(content)} ${CONVERT}` : lineFault(content)),
      ]
    const { text } = content
    const whole = from === 0 ? parsed(text) : undefined
    if (whole) return [{ is: 'value', line, bytes, value: whole.value }]
    const pieces: Piece[] = []
    for (let at = past(BEFORE, text, from); at < text.length;) {
      const scanner = createJsonScanner()
      const scanned = scanner.scan(`${text}\n`, at)
      const isContainer = text[at] === '{' || text[at] === '['
      if (!isContainer || scanned.is === 'wrong')
        return [fault(line, `Expected the line to be JSON, got ${jsonFault(text, at)}.`)]
      if (scanned.is === 'open') {
        open = { line, texts: [text.slice(at)], scanner, bytes }
        return pieces
      }
      const value = parseJson(text.slice(at, scanned.end))
      pieces.push({ is: 'value', line, bytes: scanned.end - at, value })
      at = past(AFTER, text, scanned.end)
    }
    return pieces
  }

  function goOn(begun: Open, line: Line): Piece[] {
    const { content } = line
    if (content.is === 'not UTF-8')
      return breakOff(begun, line, `Expected UTF-8, got something else at line ${line.line}. ${CONVERT}`)
    if (content.is !== 'text') return breakOff(begun, line, lineFault(content))
    const { text } = content
    const scanned = begun.scanner.scan(`${text}\n`)
    if (scanned.is === 'wrong')
      return breakOff(
        begun,
        line,
        `Expected JSON, got something else at line ${line.line}, column ${scanned.at + 1}.`,
      )
    if (scanned.is === 'open') {
      begun.texts.push(text)
      begun.bytes += line.bytes
      return begun.bytes > MAX_DOCUMENT_BYTES
        ? breakOff(
            begun,
            undefined,
            `Expected JSON of at most ${MAX_DOCUMENT_BYTES} bytes, got more. Send it as one log a line.`,
          )
        : []
    }
    open = undefined
    const value = parseJson([...begun.texts, text.slice(0, scanned.end)].join('\n'))
    const piece: Piece = { is: 'value', line: begun.line, bytes: begun.bytes + scanned.end, value }
    return [piece, ...begin(line, past(AFTER, text, scanned.end))]
  }

  /** Rejects the first line of what was begun, and reads the others again. */
  function breakOff(begun: Open, last: Line | undefined, error: string): Piece[] {
    open = undefined
    broken ??= { line: begun.line, lastLine: begun.line, error }
    broken.lastLine = Math.max(broken.lastLine, begun.line)
    const again = begun.texts.slice(1).map((text, index): Line => ({
      line: begun.line + 1 + index,
      bytes: text.length,
      content: { is: 'text', text },
    }))
    return [...again, ...(last ? [last] : [])].flatMap((line) => read(line))
  }

  const read = (line: Line): Piece[] => (open ? goOn(open, line) : begin(line))

  function end(): Piece[] {
    const pieces: Piece[] = []
    while (open) pieces.push(...breakOff(open, undefined, 'Expected JSON, got only its beginning.'))
    return [...pieces, ...takeBroken()]
  }

  return { read, end }
}

const fault = (line: number, error: string): Piece => ({ is: 'fault', line, lastLine: line, error })

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: parseJson(text) }
  } catch {
    return undefined
  }
}

/** The place after what a pattern matches. */
function past(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return at + (pattern.exec(text)?.[0].length ?? 0)
}
