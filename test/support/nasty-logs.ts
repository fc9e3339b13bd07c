import fc from 'fast-check'
import { EVENT_TYPES, PLATFORMS, CONNECTION_METHODS } from '../../src/connections/event.ts'
import { isStorable } from '../../src/kernel/text.ts'
import { instants } from './random-logs.ts'

/** Texts that JSON writers disagree on. */
const TEXTS = [
  `"quoted" and \\back\\slashed\\`,
  'line\nline\r\ttab\b\f\u0001\u001f\u007f\u0080\u009f',
  '\u2028 \u2029 \ufeff \ufffd \u200b',
  '🙂 👩‍👩‍👧 𝒳',
  `'; DROP TABLE connection_logs; --`,
  '</script><!-- %s $1 {} [] : , null',
  ' ',
  'İ ß ﬁ é e\u0301',
]
const NUMBERS = [0, -0, 1e-7, 0.1, 0.30000000000000004, 5e-324, 123456789012345.67, 2 ** 53 - 1, 1 - 2 ** 53]
const KEYS = [
  'a',
  'B b',
  '"',
  '\\',
  "'",
  '__proto__',
  'constructor',
  '10',
  '2',
  '',
  '\u2028',
  'é',
  '🙂',
  '$.x',
  'toJSON',
]

const texts = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.string({ unit: 'grapheme', maxLength: 12 }).filter(isStorable),
  fc.string({ unit: 'binary', maxLength: 12 }).filter(isStorable),
)

const json = fc.letrec<{ value: unknown; object: object }>((tie) => ({
  object: fc.dictionary(fc.constantFrom(...KEYS), tie('value'), { maxKeys: 4 }),
  value: fc.oneof(
    { maxDepth: 3 },
    texts,
    fc.constantFrom(...NUMBERS),
    fc.constantFrom(true, false, null),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
})).object

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })

/** Those with an offset can be normalised by a calendar alone; only the user u3 writes so. */
const UTC_INSTANTS = [
  '2026-12-12T00:00:00Z',
  '2027-02-28T23:59:59.999Z',
  '0001-01-01T00:00:00.000Z',
  '2026-12-12T00:00:00+00:00',
  '2026-12-12T23:59:59.9999999Z',
  '2026-12-12T00:00:00.123456+00:00',
]
const ODD_INSTANTS = [
  '2026-12-12T00:00:00+02:00',
  '2026-12-12T00:00:00.1Z',
  '2026-12-12T00:00:00.12+00:00',
  '2027-01-01T00:00:00.5-11:30',
  '2027-01-01T00:00:00.1239999+05:30',
]

function logOf(userId: string | undefined, nowMs: number): fc.Arbitrary<object> {
  const expiries = userId === 'u3' ? [...UTC_INSTANTS, ...ODD_INSTANTS] : UTC_INSTANTS
  return fc.record({
    userId: fc.constant(userId),
    profileId: maybe(fc.constantFrom('p1', 'p2')),
    accountId: maybe(texts.filter((text) => text !== '')),
    platform: fc.constantFrom(...PLATFORMS),
    eventType: fc.constantFrom(...EVENT_TYPES),
    connectionMethod: fc.constantFrom(...CONNECTION_METHODS),
    success: maybe(
      fc.record(
        {
          displayName: texts,
          username: texts,
          profilePicture: texts,
          accountType: texts,
          permissions: fc.array(texts, { maxLength: 3 }),
          tokenExpiresAt: fc.constantFrom(...expiries),
        },
        { requiredKeys: [] },
      ),
    ),
    error: maybe(fc.record({ code: texts, message: texts, rawResponse: texts }, { requiredKeys: [] })),
    context: maybe(
      fc.record(
        {
          hasCustomRedirectUrl: fc.boolean(),
          isHeadlessMode: fc.boolean(),
          isReconnection: fc.boolean(),
          isBYOK: fc.boolean(),
        },
        { requiredKeys: [] },
      ),
    ),
    durationMs: maybe(fc.constantFrom(0, 1, 2 ** 31 - 1)),
    metadata: maybe(json),
    createdAt: instants(nowMs).map((ms) => new Date(ms).toISOString()),
  })
}

/** What a producer sends: logs full of what is hard to write as JSON. */
export const nastyLogs = (nowMs: number): fc.Arbitrary<object> =>
  fc.constantFrom(undefined, 'u1', 'u2', 'u3').chain((userId) => logOf(userId, nowMs))
