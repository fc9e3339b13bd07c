import fc from 'fast-check'
import { type DocumentNode, Kind, Lexer, type SelectionSetNode, Source, TokenKind, parse } from 'graphql'
import { describe, expect, it } from 'vitest'
import { createGate } from '../../src/graphql/gate.ts'
import { MAX_FIELDS, MAX_SPREADS } from '../../src/graphql/limits.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { createSchema } from '../../src/schema.ts'
import { fragmentDocuments, fragmentTree } from '../support/fragment-documents.ts'
import { LIMITS } from '../support/gate.ts'

const schema = createSchema()
const RUNS = { numRuns: 1_500, seed: 20_261_201 }

/** Each check looks at a document once; two follow spreads, through as many selections as a document may have. */
const STEPS_PER_TOKEN = 4
const STEPS_OF_SPREADS = 2 * (MAX_FIELDS + MAX_SPREADS)
/** The same as a multiple of the tokens only: the fewest tokens that come to so many selections are some 60. */
const STEPS_PER_TOKEN_IN_ALL = 25

function tokensIn(text: string): number {
  const lexer = new Lexer(new Source(text))
  let count = 0
  while (lexer.advance().kind !== TokenKind.EOF) count += 1
  return count
}

let steps = 0
const counted = createGate(schema, LIMITS, systemClock, () => void (steps += 1))

/** What the gate says, and how many tokens, selections and values it looked at. */
function passed(text: string) {
  steps = 0
  try {
    counted.admit(text)?.costOf({})
    return { steps, code: undefined }
  } catch (error) {
    if (error instanceof AppError) return { steps, code: error.code }
    throw error
  }
}

/** Counts fields as the gate once did: it follows each spread, and a fragment that does not exist has none. */
function naiveSteps(document: DocumentNode, most: number): number {
  const fragments = new Map(
    document.definitions.flatMap((one) =>
      one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one.selectionSet]] : [],
    ),
  )
  let steps = 0
  const walk = ({ selections }: SelectionSetNode, depth: number): void => {
    for (const selection of selections) {
      if (steps >= most || depth > 100) return
      steps += 1
      const inside =
        selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection.selectionSet
      if (inside) walk(inside, depth + 1)
    }
  }
  for (const one of document.definitions) if ('selectionSet' in one) walk(one.selectionSet, 0)
  return steps
}

function expectFewSteps(text: string, steps: number): void {
  const tokens = tokensIn(text)
  expect(steps).toBeLessThanOrEqual(STEPS_PER_TOKEN * tokens + STEPS_OF_SPREADS)
  expect(steps).toBeLessThanOrEqual(STEPS_PER_TOKEN_IN_ALL * tokens)
}

describe('the steps of the gate', () => {
  it('are few for each token of 1,500 random documents of fragments', () => {
    const seen = new Map<string | undefined, number>()
    fc.assert(
      fc.property(fragmentDocuments, (text) => {
        const { steps, code } = passed(text)
        seen.set(code, (seen.get(code) ?? 0) + 1)
        expectFewSteps(text, steps)
      }),
      RUNS,
    )
    expect(new Set(seen.keys())).toEqual(new Set(['BAD_USER_INPUT', 'TOO_COMPLEX', undefined]))
    expect(Math.min(...seen.values())).toBeGreaterThan(100)
  })

  it('were more than any multiple when spreads were followed without a count', () => {
    const bound = (text: string) => STEPS_PER_TOKEN_IN_ALL * tokensIn(text)
    let exceeded = 0
    for (const text of fc.sample(fragmentDocuments, RUNS))
      if (naiveSteps(parse(text), bound(text) + 1) > bound(text)) exceeded += 1
    expect(exceeded).toBeGreaterThan(10)
  })

  it.each([
    ['a tree that ends in a missing fragment', fragmentTree(4, 20, '...nope'), 'BAD_USER_INPUT'],
    ['a tree that ends in fields', fragmentTree(4, 20, '__typename'), 'TOO_COMPLEX'],
    ['a binary tree', fragmentTree(2, 20, '__typename'), 'TOO_COMPLEX'],
    ['a tree of a hundred spreads each', fragmentTree(100, 10, '__typename'), 'TOO_COMPLEX'],
    [
      'fields that hold a fragment each, level by level',
      `{ __type(name: "Query") { ...F0 } } ${Array.from({ length: 14 }, (_, n) => `fragment F${n} on __Type { ${n === 13 ? 'name' : `ofType { ...F${n + 1} } a: ofType { ...F${n + 1} } b: ofType { ...F${n + 1} }`} }`).join(' ')}`,
      'TOO_COMPLEX',
    ],
    [
      'a long list',
      `{ connectionLogs(filter: { accountId: [${'"a" '.repeat(900)}] }) { logs { id } } }`,
      undefined,
    ],
  ])('are few for %s', (_, text, code) => {
    const { steps, code: got } = passed(text)
    expect(got).toBe(code)
    expectFewSteps(text, steps)
  })
})

describe('names in a document', () => {
  const gate = createGate(schema, LIMITS, systemClock)
  const name = (length: number) => 'n'.repeat(length)

  it.each([
    ['of an alias', (n: string) => `{ viewer { ${n}: keyId } }`],
    ['of a field', (n: string) => `{ viewer { ${n} } }`],
    ['of an operation', (n: string) => `query ${n} { viewer { keyId } }`],
    ['of a variable', (n: string) => `query ($${n}: Int) { connectionLogs(limit: $${n}) { logs { id } } }`],
    ['of a type', (n: string) => `query ($v: ${n}) { viewer { keyId } }`],
    ['of a fragment', (n: string) => `{ viewer { ...${n} } } fragment ${n} on Viewer { keyId }`],
    ['of an argument', (n: string) => `{ connectionLogs(${n}: 1) { logs { id } } }`],
    ['of a directive', (n: string) => `{ viewer { keyId @${n} } }`],
    ['of an enum value', (n: string) => `{ connectionLogs(filter: { platform: ${n} }) { logs { id } } }`],
  ])('have at most 128 characters: %s', (_, make) => {
    expect(() => gate.admit(make(name(128)))).not.toThrow()
    expect(() => gate.admit(make(name(129)))).toThrow(
      'Expected names in `query` to have at most 128 characters, got 129.',
    )
    expect(passed(make(name(129))).code).toBe('TOO_COMPLEX')
  })
})
