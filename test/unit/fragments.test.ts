import { describe, expect, it } from 'vitest'
import { createGate } from '../../src/graphql/gate.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createSchema } from '../../src/schema.ts'
import { LIMITS } from '../support/gate.ts'

const gate = createGate(createSchema(), LIMITS, systemClock)
const FAN = 3
const LEVELS = 12

/** Fragments of which each spreads the next one several times, so that the last is reached FAN ** LEVELS times. */
const levels = (spread: (name: string) => string, leaf: string) =>
  Array.from(
    { length: LEVELS },
    (_, n) =>
      `fragment F${n} on Query { ${n === LEVELS - 1 ? leaf : `${spread(`...F${n + 1}`)} `.repeat(FAN)} }`,
  ).join(' ')
const plain = (text: string) => text
const inline = (text: string) => `... on Query { ${text} }`

describe('the gate rejects fragments before it walks through them', () => {
  it.each([
    ['in an operation', `query { ...F0 } ${levels(plain, '...nope')}`],
    ['in fragments that nothing spreads', `query { viewer { keyId } } ${levels(plain, '...nope')}`],
    ['inside inline fragments', `query { ... { ...F0 } } ${levels(inline, '... { ...nope }')}`],
    ['in a mutation', `mutation { ...F0 } ${levels(plain, '...nope')}`],
    ['in a subscription', `subscription { ...F0 } ${levels(plain, '...nope')}`],
    ['inside a field', `query { viewer { ...nope } }`],
  ])('if one does not exist, %s', (_, query) => {
    expect(() => gate.admit(query)).toThrow('Unknown fragment "nope".')
  })

  it.each([
    [
      'if two have one name, whichever is the larger',
      `{ connectionLog(id: "x") { ...F } } fragment F on ConnectionLog { ${'error { code } '.repeat(400)} } fragment F on ConnectionLog { id }`,
      'There can be only one fragment named "F".',
    ],
    [
      'if two have one name, and nothing spreads them',
      '{ viewer { keyId } } fragment F on Viewer { keyId } fragment F on Viewer { name }',
      'There can be only one fragment named "F".',
    ],
    [
      'if there are too many of one name',
      `{ viewer { ...F } } ${'fragment F on Viewer { keyId } '.repeat(101)}`,
      'Expected `query` to have at most 100 fragments, got 101.',
    ],
    [
      'if they come to too many fields',
      `query { ...F0 } ${levels(plain, '__typename')}`,
      /^Expected `query` to have at most \d+ (root )?fields/,
    ],
  ])('%s', (_, query, sentence) => {
    expect(() => gate.admit(query)).toThrow(sentence)
  })
})
