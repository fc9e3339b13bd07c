import { GraphQLEnumType, isEnumType } from 'graphql'
import { describe, expect, it } from 'vitest'
import { rejectLongValues } from '../../src/graphql/long-values.ts'
import { checkKeys } from '../../src/graphql/values.ts'
import { createSchema } from '../../src/schema.ts'

const LONG = 'x'.repeat(10_000)

const messageOf = (work: () => unknown): string => {
  try {
    return String(work())
  } catch (error) {
    return (error as Error).message
  }
}

/** An enum that counts how often GraphQL looks for a value that may have been meant. */
function countingEnum() {
  let looks = 0
  const type = new GraphQLEnumType({ name: 'Colour', values: { RED: {}, GREEN: {} } })
  const getValues = type.getValues.bind(type)
  type.getValues = () => {
    looks += 1
    return getValues()
  }
  return { type, looks: () => looks }
}

describe('a long text in the place of a value of an enum', () => {
  it('is compared with no value', () => {
    const { type, looks } = countingEnum()
    rejectLongValues(type)
    expect(messageOf(() => type.parseValue(LONG))).toBe(
      'Value text of 10000 characters does not exist in "Colour" enum.',
    )
    expect(looks()).toBe(0)
    expect([type.parseValue('RED'), messageOf(() => type.parseValue('REDD'))]).toEqual([
      'RED',
      'Value "REDD" does not exist in "Colour" enum. Did you mean the enum value "RED"?',
    ])
  })

  it('is compared with all of them by GraphQL alone', () => {
    const { type, looks } = countingEnum()
    expect(messageOf(() => type.parseValue(LONG))).toContain(LONG)
    expect(looks()).toBeGreaterThan(0)
  })

  it('is rejected so by every enum of the schema', () => {
    const enums = Object.values(createSchema().getTypeMap()).filter((type) => isEnumType(type))
    expect(enums.length).toBeGreaterThan(5)
    for (const type of enums)
      expect(messageOf(() => type.parseValue(LONG))).toContain('text of 10000 characters')
  })
})

it('a name of a field that is too long is rejected with its length, wherever it stands', () => {
  expect(messageOf(() => checkKeys({ input: [{ metadata: { ['k'.repeat(16_385)]: 1 } }] }))).toBe(
    'Expected each name of a field in `variables` to have at most 16384 characters, got 16385.',
  )
  expect(messageOf(() => checkKeys({ input: { ['k'.repeat(16_384)]: null } }))).toBe('undefined')
})
