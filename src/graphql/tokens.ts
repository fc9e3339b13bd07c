import { Lexer, Source, TokenKind } from 'graphql'
import { AppError } from '../kernel/errors.ts'
import { MAX_BRACKETS, MAX_DOCUMENT_LENGTH } from './limits.ts'

const OPENING = new Set<string>([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L])
const CLOSING = new Set<string>([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R])

/** The sentence about a limit that a document is over. */
export function tooComplex(what: string, most: number, got: string): AppError {
  const counted = most === 1 ? what.replace(/s$/, '') : what
  return new AppError('TOO_COMPLEX', `Expected \`query\` to have at most ${most} ${counted}, got ${got}.`)
}

/**
 * Goes through a document once, before it is parsed, and stops at the first token too many. Parsing what has passed
 * takes neither long nor much of the stack. What is no token at all is left for the parser to tell.
 * @throws {AppError} TOO_COMPLEX
 */
export function checkTokens(text: string, mostTokens: number): void {
  if (text.length > MAX_DOCUMENT_LENGTH)
    throw tooComplex('characters', MAX_DOCUMENT_LENGTH, String(text.length))
  const lexer = new Lexer(new Source(text))
  let count = 0
  let depth = 0
  for (;;) {
    const kind = nextKind(lexer)
    if (kind === undefined || kind === TokenKind.EOF) return
    count += 1
    if (count > mostTokens) throw tooComplex('tokens', mostTokens, 'more')
    if (OPENING.has(kind)) depth += 1
    if (CLOSING.has(kind)) depth = Math.max(0, depth - 1)
    if (depth > MAX_BRACKETS) throw tooComplex('brackets inside each other', MAX_BRACKETS, 'more')
  }
}

function nextKind(lexer: Lexer): TokenKind | undefined {
  try {
    return lexer.advance().kind
  } catch {
    return undefined
  }
}
