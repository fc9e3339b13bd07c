import { Lexer, Source, type Token, TokenKind } from 'graphql'
import { AppError } from '../kernel/errors.ts'
import { MAX_BRACKETS, MAX_DOCUMENT_LENGTH, MAX_NAME_LENGTH, type OnStep, uncounted } from './limits.ts'

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
export function checkTokens(text: string, mostTokens: number, onStep: OnStep = uncounted): void {
  if (text.length > MAX_DOCUMENT_LENGTH)
    throw tooComplex('characters', MAX_DOCUMENT_LENGTH, String(text.length))
  const lexer = new Lexer(new Source(text))
  let count = 0
  let depth = 0
  for (;;) {
    const token = nextToken(lexer)
    if (token === undefined || token.kind === TokenKind.EOF) return
    const { kind, value } = token
    onStep()
    count += 1
    if (count > mostTokens) throw tooComplex('tokens', mostTokens, 'more')
    if (kind === TokenKind.NAME && value.length > MAX_NAME_LENGTH)
      throw new AppError(
        'TOO_COMPLEX',
        `Expected names in \`query\` to have at most ${MAX_NAME_LENGTH} characters, got ${value.length}.`,
      )
    if (OPENING.has(kind)) depth += 1
    if (CLOSING.has(kind)) depth = Math.max(0, depth - 1)
    if (depth > MAX_BRACKETS) throw tooComplex('brackets inside each other', MAX_BRACKETS, 'more')
  }
}

function nextToken(lexer: Lexer): Token | undefined {
  try {
    return lexer.advance()
  } catch {
    return undefined
  }
}
