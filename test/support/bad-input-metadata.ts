import { type WrongField, both, toBe, cameAs } from './bad-input-words.ts'

const nested = (depth: number) => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`
export const DEEPEST_METADATA = nested(10)
export const LARGEST_METADATA = `{"a":"${'x'.repeat(16_384 - 8)}"}`

const TOO_DEEP = toBe('an object nested at most 10 deep', 'a deeper one')
const TOO_LARGE = toBe('an object of at most 16384 bytes as JSON', 'a larger one')
const KEPT = 'a number that keeps its digits (whole ones up to 9007199254740991) or text'
const badSurrogate = (escape: string) => `Syntax Error: Invalid Unicode escape sequence: "${escape}".`
export const WRONG_METADATA: readonly WrongField[] = [
  ...['[]', '"x"', '5', 'true'].map((json) => ({
    field: 'metadata',
    json,
    sentence: toBe('a JSON object', cameAs('metadata', json)),
    ...both(`Expected a JSON object, got ${cameAs('metadata', json)}.`),
  })),
  {
    field: 'metadata',
    json: '9007199254740993',
    sentence: toBe('a JSON object', 'a number'),
    ...both('Expected a JSON object, got a number.'),
  },
  { field: 'metadata', json: nested(11), sentence: TOO_DEEP },
  { field: 'metadata', json: `{"a":[${'['.repeat(9)}${']'.repeat(9)}]}`, sentence: TOO_DEEP },
  { field: 'metadata', json: `{"a":"${'x'.repeat(16_384 - 7)}"}`, sentence: TOO_LARGE },
  { field: 'metadata', json: `{"a":"${'€'.repeat(5_460)}"}`, sentence: TOO_LARGE },
  ...(
    [
      ['.a', '{"a":"xy\\u0000"}', toBe('text without U+0000', 'one at character 3'), {}],
      [
        '.a.b[0]',
        '{"a":{"b":["\\ud800"]}}',
        toBe('text without lone surrogates', 'one at character 1'),
        { literal: badSurrogate('\\ud800') },
      ],
      [
        '.a',
        '{"a":1e999}',
        toBe(KEPT, 'a number that does not'),
        { inProcess: toBe('a finite number', 'Infinity') },
      ],
      ['.a.ig_id', '{"a":{"ig_id":17841405793187218345}}', toBe(KEPT, 'a number that does not'), {}],
      ['.a[1]', '{"a":[1,-9007199254740993]}', toBe(KEPT, 'a number that does not'), {}],
    ] as const
  ).map(([at, json, sentence, rest]) => ({ field: 'metadata', at, json, sentence, ...rest })),
  {
    field: 'metadata',
    at: '',
    json: '{"a\\u0000":1}',
    sentence: toBe('text without U+0000', 'one at character 2'),
    keyOf: true,
    literal: null,
  },
  {
    field: 'metadata',
    at: '.a',
    json: '{"a":{"\\udfff":1}}',
    sentence: toBe('text without lone surrogates', 'one at character 1'),
    keyOf: true,
    literal: null,
  },
]
