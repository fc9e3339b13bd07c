import { describe, expect, it } from 'vitest'
import { withoutValues } from '../../src/graphql/messages.ts'
import { expectation, show } from '../../src/kernel/errors.ts'
import { isPlain } from '../../src/kernel/token-like.ts'

describe('a value in a sentence', () => {
  it.each([
    [1000, '1000'],
    [-1.5, '-1.5'],
    [Infinity, 'Infinity'],
    [10n, '10'],
    [true, 'true'],
    [null, 'null'],
    [undefined, 'nothing'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [new Date(NaN), 'an invalid date'],
    ['', '""'],
    ['instgram', '"instgram"'],
    ['user-2', '"user-2"'],
    ['2026-02-30T12:00:00Z', '"2026-02-30T12:00:00Z"'],
    ['66b2f4d19c3e5a7f10d84b2e', '"66b2f4d19c3e5a7f10d84b2e"'],
    ['01a206a7-21e5-7588-8cca-02fdb39b1fbf', '"01a206a7-21e5-7588-8cca-02fdb39b1fbf"'],
    ['17841405822304914', '"17841405822304914"'],
    ['a\u0000b\u001b[2J\u009b\u202e', '"a\\u0000b\\u001b[2J\\u009b\\u202e"'],
    ['http://late.example', '"http://late.example"'],
    ['x'.repeat(41), 'text of 41 characters'],
    ['\u001b'.repeat(60), 'text of 60 characters'],
    ['EAABsbCS1iHg0BAKZC9', 'text of 19 characters'],
    ['q7Zk3mP0a8XcV5bN2m', 'text of 18 characters'],
    ['clk_a1b2c3d4e5_x', 'text of 16 characters'],
    ['Bearer hunter', 'text of 13 characters'],
    ['https://user:pass@example.com', 'text of 29 characters'],
    ['https://example.com/?t=1', 'text of 24 characters'],
    ['password=hunter2', 'text of 16 characters'],
    [[], '[]'],
    [{}, '{}'],
    [[1, 2, 3, 4, 5], 'a list of 5'],
    [{ access_token: 'x' }, 'an object with 1 field'],
    [{ a: 1, b: 2, c: 3 }, 'an object with 3 fields'],
    [Symbol('x'), 'a symbol'],
  ])('%s is shown as %s', (value, shown) => {
    expect(show(value)).toBe(shown)
  })

  it('is not walked to be shown', () => {
    let asked = 0
    const value = {
      toJSON: () => (asked += 1),
      get a() {
        return (asked += 1)
      },
    }
    expect(show(value)).toBe('an object with 2 fields')
    expect(show(Array.from({ length: 1_000_000 }, () => value))).toBe('a list of 1000000')
    expect(asked).toBe(0)
  })

  it('is told by type and length where its field holds secrets', () => {
    for (const field of [
      'error.rawResponse',
      'input.error.message',
      'context.connectToken',
      'metadata',
      'inputs[3].metadata',
      'variables',
      'success.profilePicture',
      'authorization',
      '--key',
    ])
      expect([expectation(field, 'text', 'a b'), expectation(field, 'text', 482913)]).toEqual([
        `Expected \`${field}\` to be text, got text of 3 characters.`,
        `Expected \`${field}\` to be text, got a number.`,
      ])
    expect(expectation('limit', 'a whole number from 1 to 100', 1000)).toBe(
      'Expected `limit` to be a whole number from 1 to 100, got 1000.',
    )
  })

  it('may hold names of types and paths of fields, whose length is bounded', () => {
    expect(
      ['[RecordConnectionLogInput!]!', 'inputs[12].success.tokenExpiresAt', '$input', '1', ''].every(isPlain),
    ).toBe(true)
    expect(isPlain(`a.${'b'.repeat(70)}`)).toBe(false)
  })
})

describe("GraphQL's own messages", () => {
  it.each([
    [
      'Variable "$input" got invalid value { access_token: "EAABmadeUp" } at "input.error.rawResponse"; String cannot represent a non string value: { access_token: "EAABmadeUp" }',
      'Variable "$input" got invalid value an object at "input.error.rawResponse"; String cannot represent a non string value: an object',
    ],
    [
      'Variable "$input" got invalid value 482913 at "input.context.connectToken"; String cannot represent a non string value: 482913',
      'Variable "$input" got invalid value a number at "input.context.connectToken"; String cannot represent a non string value: a number',
    ],
    [
      'Variable "$input" got invalid value "instgram" at "input.platform"; Value "instgram" does not exist in "Platform" enum. Did you mean the enum value "INSTAGRAM"?',
      'Variable "$input" got invalid value "instgram" at "input.platform"; Value "instgram" does not exist in "Platform" enum. Did you mean the enum value "INSTAGRAM"?',
    ],
    [
      'Int cannot represent non-integer value: "q7Zk3mP0a8XcV5bN2m"',
      'Int cannot represent non-integer value: text of 18 characters',
    ],
    [
      'Int cannot represent non-integer value: EAABsbCS1iHg0BAKZC9',
      'Int cannot represent non-integer value: a name of 19 characters',
    ],
    [
      'Wrong value for `input.context.connectToken`: String cannot represent a non string value: 482913',
      'Wrong value for `input.context.connectToken`: String cannot represent a non string value: a number',
    ],
    [
      'Expected value of type "X", found """a "EAABsbCS1iHg0BAKZC9" b""".',
      'Expected value of type "X", found text of 25 characters.',
    ],
    [
      'Expected value of type "X", found {a: [{b: "hunter2"}]}.',
      'Expected value of type "X", found an object.',
    ],
    [
      'Cannot query field "clk_a1b2c3d4e5_x" on type "Query".',
      'Cannot query field text of 16 characters on type "Query".',
    ],
    ['Expected type "[Platform!]" to be an object.', 'Expected type "[Platform!]" to be an object.'],
    [
      'Syntax Error: Expected Name, found String "EAABsbCS1iHg0BAKZC9".',
      'Syntax Error: Expected Name, found String text of 19 characters.',
    ],
    [
      `Variable "$i" got invalid value { platform: "${'q"'.replace('"', '\\"').repeat(9_000)}" }; Field "x" is not defined by type "Y".`,
      'Variable "$i" got invalid value an object; Field "x" is not defined by type "Y".',
    ],
    [
      `Value "${'EAAG'.repeat(3_000)}" does not exist in "Platform" enum.`,
      'Value text of 12000 characters does not exist in "Platform" enum.',
    ],
  ])('%s', (message, expected) => {
    expect(withoutValues(message)).toBe(expected)
    expect(withoutValues(expected)).toBe(expected)
  })
})
