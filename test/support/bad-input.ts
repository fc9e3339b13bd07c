import { EVENT_TYPES, PLATFORMS } from '../../src/connections/event.ts'

import { WRONG_METADATA } from './bad-input-metadata.ts'
import {
  SECRET_FIELDS,
  type WrongField,
  both,
  notInGraphql,
  toBe,
  textOf,
  cameAs,
  graphqlCame,
  textExpected,
} from './bad-input-words.ts'

/** Text fields and the most characters they take; any character may stand in them. */
export const TEXT_FIELDS: readonly (readonly [field: string, max: number])[] = [
  ['success.displayName', 512],
  ['success.username', 256],
  ['success.profilePicture', 2_048],
  ['success.accountType', 64],
]
/** Text fields that are cut to so many characters. */
export const CUT_FIELDS: readonly (readonly [field: string, max: number])[] = [
  ['error.code', 128],
  ['error.message', 4_000],
  ['error.rawResponse', 2_000],
]
export const ID_FIELDS = ['eventId', 'userId', 'profileId', 'accountId', '_id']
export const MAX_ID = 128

function wrongTexts(field: string, max: number, min: number, extra: object = {}): WrongField[] {
  const sentence = (came: string) => toBe(textExpected(max, min), came)
  return [
    { field, json: `"${'x'.repeat(max + 1)}"`, sentence: sentence(textOf(max + 1)), ...extra },
    { field, json: '"\\u0000"', sentence: sentence('"\\u0000"'), ...extra },
    { field, json: '"a\\u0000b"', sentence: sentence('"a\\u0000b"'), ...extra },
    {
      field,
      json: '"a\\ud800"',
      sentence: sentence('"a\\ud800"'),
      literal: 'Syntax Error: Invalid Unicode escape sequence: "\\ud800".',
      ...extra,
    },
    {
      field,
      json: '"\\udc00a"',
      sentence: sentence('"\\udc00a"'),
      literal: 'Syntax Error: Invalid Unicode escape sequence: "\\udc00".',
      ...extra,
    },
  ]
}

const saidExpected = (max: number) => `text of at most ${max} characters`
const cutExpected = (max: number) => `text; what is over ${max.toLocaleString('en')} characters is cut`

const noTexts = (field: string, expected: string): WrongField[] => [
  ...['5', 'true', '["a"]'].map((json) => ({
    field,
    json,
    sentence: toBe(expected, cameAs(field, json)),
    ...both(`String cannot represent a non string value: ${graphqlCame(field, json)}`),
  })),
  {
    field,
    json: '9007199254740993',
    ...(SECRET_FIELDS.test(field)
      ? {
          sentence: toBe(expected, 'a number'),
          ...both('String cannot represent a non string value: a number'),
        }
      : {
          sentence: toBe(expected, 'the number 9007199254740993'),
          inProcess: toBe(expected, '9007199254740992'),
          ...both('String cannot represent a non string value: 9007199254740993'),
        }),
  },
]

const texts = [
  ...TEXT_FIELDS.flatMap(([field, max]): WrongField[] => [
    { field, json: `"${'x'.repeat(max + 1)}"`, sentence: toBe(saidExpected(max), textOf(max + 1)) },
    ...noTexts(field, saidExpected(max)),
  ]),
  ...CUT_FIELDS.flatMap(([field, max]) => noTexts(field, cutExpected(max))),
]

const ids = ID_FIELDS.flatMap((field): WrongField[] => {
  const extra = field === '_id' ? notInGraphql : {}
  const sentence = (came: string) => toBe(textExpected(MAX_ID, 1), came)
  /** GraphQL takes a whole number in a literal, whose digits are those that were sent. */
  const noId = (json: string) => ({
    literal: `ID cannot represent a non-string and non-integer value: ${graphqlCame(field, json)}`,
    variable: /^-?\d/.test(json)
      ? `ID cannot represent value: ${json}. Send an id as text: a number loses digits beyond 9007199254740991.`
      : `ID cannot represent value: ${graphqlCame(field, json)}`,
  })
  return [
    ...wrongTexts(field, MAX_ID, 1, extra),
    { field, json: '""', sentence: sentence('""'), ...extra },
    ...['5', '-5'].map((json) => ({ field, json, sentence: sentence(json), ...notInGraphql })),
    ...['1.5', 'false', '["a"]'].map((json) => ({
      field,
      json,
      sentence: sentence(cameAs(field, json)),
      ...noId(json),
      ...extra,
    })),
    ...(
      [
        ['9007199254740992', '9007199254740992', { literal: null }],
        ['9007199254740993', '9007199254740992', { literal: null }],
        ['17841405793187218345', '17841405793187217000', { literal: null }],
        ['-17841405793187218345', '-17841405793187217000', { literal: null }],
        ['1e400', 'Infinity', {}],
      ] as const
    ).map(([json, rounded, taken]) => ({
      field,
      json,
      sentence: sentence(`the number ${json}`),
      inProcess: sentence(rounded),
      ...noId(json),
      ...taken,
      ...extra,
    })),
  ]
})

const enums = (
  [
    ['platform', 'Platform', PLATFORMS],
    ['eventType', 'ConnectionEventType', EVENT_TYPES],
    ['connectionMethod', 'ConnectionMethod', ['oauth', 'credentials', 'invitation']],
  ] as const
).flatMap(([field, type, values]): WrongField[] => {
  const expected = `one of ${values.join(', ')}`
  return [
    ...['"myspace"', '""', '"all"', '"a\\u0000"', '"__proto__"', '"constructor"'].map((json) => ({
      field,
      json,
      sentence: toBe(expected, json),
      literal: `Enum "${type}" cannot represent non-enum value: ${json}.`,
      variable: `Value "${JSON.parse(json)}" does not exist in "${type}" enum.`,
    })),
    ...['5', 'true', '["myspace"]'].map((json) => ({
      field,
      json,
      sentence: toBe(expected, cameAs(field, json)),
      literal: `Enum "${type}" cannot represent non-enum value: ${graphqlCame(field, json)}.`,
      variable: `Enum "${type}" cannot represent non-string value: ${graphqlCame(field, json)}.`,
    })),
    {
      field,
      json: 'null',
      sentence: toBe(expected, 'null'),
      literal: `Expected value of type "${type}!", found null.`,
      variable: `Expected non-nullable type "${type}!" not to be null.`,
    },
  ]
})

const DURATION = 'a whole number from 0 to 2147483647'
const durations = [
  { json: '-1', came: '-1' },
  { json: '1.5', came: '1.5', reason: 'non-integer' },
  { json: '2147483648', came: '2147483648', reason: 'non 32-bit signed integer' },
  { json: '-2147483649', came: '-2147483649', reason: 'non 32-bit signed integer' },
  {
    json: '100000000000000000000',
    came: 'the number 100000000000000000000',
    rounded: '100000000000000000000',
    reason: 'non-integer',
    literalReason: 'non 32-bit signed integer',
  },
  { json: '1e999', came: 'the number 1e999', rounded: 'Infinity', reason: 'non-integer' },
  { json: '-1e999', came: 'the number -1e999', rounded: '-Infinity', reason: 'non-integer' },
  { json: '"5"', came: '"5"', reason: 'non-integer' },
  { json: '"NaN"', came: '"NaN"', reason: 'non-integer' },
  { json: '""', came: '""', reason: 'non-integer' },
  { json: 'true', came: 'true', reason: 'non-integer' },
  { json: '[1]', came: 'a list of 1', reason: 'non-integer' },
].map(({ json, came, rounded = came, reason, literalReason = reason }): WrongField => {
  const wrong = {
    field: 'durationMs',
    json,
    sentence: toBe(DURATION, came),
    inProcess: toBe(DURATION, rounded),
  }
  if (reason === undefined) return wrong
  const refusal = (why: string | undefined) =>
    `Int cannot represent ${why} value: ${json === '[1]' ? 'a list' : json}`
  return { ...wrong, literal: refusal(literalReason), variable: refusal(reason) }
})

const flags = ['hasCustomRedirectUrl', 'isHeadlessMode', 'isReconnection', 'isBYOK'].flatMap((name) =>
  ['"true"', '0', '[true]'].map((json): WrongField => ({
    field: `context.${name}`,
    json,
    sentence: toBe('true or false', cameAs('', json)),
    ...both(`Boolean cannot represent a non boolean value: ${graphqlCame('', json)}`),
  })),
)

const tokens = ['invitationToken', 'connectToken'].flatMap((name) =>
  ['5', '["a"]'].map((json): WrongField => ({
    field: `context.${name}`,
    json,
    sentence: toBe('text', cameAs(`context.${name}`, json)),
    ...both(`String cannot represent a non string value: ${graphqlCame(`context.${name}`, json)}`),
  })),
)

/** The objects inside a log, what GraphQL calls them, and what they may hold. */
export const OBJECTS = [
  [
    'success',
    'ConnectionSuccessInput',
    'displayName, username, profilePicture, permissions, tokenExpiresAt, accountType',
  ],
  ['error', 'ConnectionErrorInput', 'code, message, rawResponse'],
  [
    'context',
    'ConnectionContextInput',
    'hasCustomRedirectUrl, isHeadlessMode, isReconnection, isBYOK, invitationToken, connectToken',
  ],
] as const

const objects = OBJECTS.flatMap(([field, type, names]) =>
  ['5', '"x"', 'true', '[]'].map((json): WrongField => ({
    field,
    json,
    sentence: toBe(`an object with fields of ${names}`, json),
    literal: `Expected value of type "${type}", found ${json}.`,
    variable: `Expected type "${type}" to be an object.`,
  })),
)

const PERMISSIONS = 'a list of at most 200 texts'
const permission = (came: string) => toBe(saidExpected(256), came)
const manyPermissions = JSON.stringify(Array.from({ length: 201 }, () => 'a'))
const permissions: readonly WrongField[] = [
  { field: 'success.permissions', json: '"a"', sentence: toBe(PERMISSIONS, '"a"'), ...notInGraphql },
  {
    field: 'success.permissions',
    json: '5',
    sentence: toBe(PERMISSIONS, '5'),
    ...both('String cannot represent a non string value: 5'),
  },
  {
    field: 'success.permissions',
    json: manyPermissions,
    sentence: toBe(PERMISSIONS, 'a list of 201'),
  },
  {
    field: 'success.permissions[1]',
    json: '["a",5]',
    sentence: permission('5'),
    ...both('String cannot represent a non string value: 5'),
  },
  {
    field: 'success.permissions[1]',
    json: '["a",null]',
    sentence: permission('null'),
    literal: 'Expected value of type "String!", found null.',
    variable: 'Expected non-nullable type "String!" not to be null.',
  },
  { field: 'success.permissions[0]', json: `["${'x'.repeat(257)}"]`, sentence: permission(textOf(257)) },
]

const INSTANT = 'an instant with its offset as in RFC 3339, such as 2026-01-31T12:00:00Z'
const noInstant = (field: string, expected: string, json: string): WrongField => ({
  field,
  json,
  sentence: toBe(expected, cameAs(field, json)),
  ...both(`Expected ${expected}, got ${cameAs(field, json)}.`),
})
const instants = ['createdAt', 'success.tokenExpiresAt'].flatMap((field) =>
  [
    '"2026-06-15"',
    '"2026-06-15T12:00:00"',
    '"2026-06-15T12:00Z"',
    '"2026-02-30T12:00:00Z"',
    '"2025-02-29T12:00:00Z"',
    '"2026-06-15T24:00:00Z"',
    '"2026-06-15T12:00:00+24:00"',
    '"+002026-06-15T12:00:00Z"',
    '"2026-06-15T23:58:60Z"',
    '"2026-06-15T23:59:61Z"',
    '"2026-06-15T23:59:60+01:00"',
    '"2026-06-15T12:00:00+0000"',
    '"12026-06-15T12:00:00Z"',
    '"today"',
    '" 2026-06-15T12:00:00Z"',
    '"2026-06-15T12:00:00Z\\u0000"',
    '""',
    '1781524800000',
    '[5]',
  ].map((json): WrongField => noInstant(field, INSTANT, json)),
)
const FOUR_DIGITS = 'an instant in the years 1 to 9999 of UTC'
const outsideTheYears = ['createdAt', 'success.tokenExpiresAt'].flatMap((field) =>
  ['"0000-12-31T23:59:59Z"', '"0001-01-01T00:00:00+00:01"', '"9999-12-31T23:59:59-00:01"'].map((json) =>
    noInstant(field, FOUR_DIGITS, json),
  ),
)

const WINDOW = 'later than 2026-06-08T12:00:00.000Z (7 days ago) and at most 5 minutes ahead'
const outsideTheWindow = [
  '"2026-06-08T12:00:00.000Z"',
  '"2026-06-15T12:05:00.001Z"',
  '"0001-01-01T00:00:00.000Z"',
  '"9999-12-31T23:59:59.999Z"',
].map((json): WrongField => ({ field: 'createdAt', json, sentence: toBe(WINDOW, json) }))

const LOG_FIELDS =
  '_id, eventId, userId, profileId, accountId, platform, eventType, connectionMethod, success, error, context, durationMs, metadata, createdAt'

/** Fields that a log does not have; their sentence does not begin with the field but ends with it. */
export const UNKNOWN_FIELDS = [
  ...['id', 'status', 'Platform', '__proto__', 'constructor', 'toString'].map((name) => ({
    field: name,
    type: 'RecordConnectionLogInput',
    sentence: `Expected a log to have no fields but ${LOG_FIELDS}`,
  })),
  ...OBJECTS.flatMap(([name, type, known]) =>
    ['secret', '__proto__', 'constructor'].map((inner) => ({
      field: `${name}.${inner}`,
      type,
      sentence: `Expected \`${name}\` to have no fields but ${known}`,
    })),
  ),
]

export const WRONG_FIELDS: readonly WrongField[] = [
  ...texts,
  ...ids,
  ...enums,
  ...durations,
  ...flags,
  ...tokens,
  ...objects,
  ...permissions,
  ...WRONG_METADATA,
  ...instants,
  ...outsideTheYears,
  ...outsideTheWindow,
]
