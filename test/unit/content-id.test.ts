import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createContentIds } from '../../src/connections/content-id.ts'
import type { JsonObject, JsonValue } from '../../src/kernel/json.ts'

const idOf = (value: unknown) => (value as { eventId: string }).eventId

/** The same JSON with the keys of every object in another order. */
function turned(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(turned)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, turned(inner)]),
  )
}

const object = fc
  .dictionary(fc.string(), fc.jsonValue() as fc.Arbitrary<JsonValue>)
  .filter((value) => !('_id' in value) && !('eventId' in value) && !('__proto__' in value))

it('names the same content alike in every input, in whatever order its keys are', () => {
  fc.assert(
    fc.property(object, (value) => {
      const [one, other] = [createContentIds(), createContentIds()]
      expect(idOf(one(value))).toBe(idOf(other(turned(value as JsonObject))))
    }),
  )
})

it('names different contents differently, and equal ones by how many came before', () => {
  const named = createContentIds()
  const values = [{}, { a: 1 }, { a: '1' }, { a: [1] }, { a: { b: 1 } }, { a: [null] }, { a: 1 }]
  expect(new Set(values.map((value) => idOf(named(value)))).size).toBe(values.length)
  const [first, second] = [createContentIds(), createContentIds()]
  expect([first({}), first({ a: 1 }), first({})].map(idOf)).toEqual(
    [second({}), second({ a: 1 }), second({})].map(idOf),
  )
})

it('keeps the form of its names, so that a later version finds what this one has stored', () => {
  const named = createContentIds()
  expect([named({ b: [1, 'x'] }), named({ b: [1, 'x'] })]).toEqual([
    {
      b: [1, 'x'],
      eventId: 'line:db766cbf9a0ef2a61fc5f7c2a6e0c079e89c4bab047f9fa88faff59cab8e84c1',
    },
    {
      b: [1, 'x'],
      eventId: 'line:e5593a9e94092f817cfd3098518ff41d1c7bffd7161f6ead877c892bbe0568f4',
    },
  ])
})

it('names an event alike in every notation in which it is the same event', () => {
  const notations = [
    {
      a: 1,
      createdAt: '2026-11-20T12:00:00Z',
      success: { username: 'u', tokenExpiresAt: '2027-01-01T00:00:00Z' },
    },
    {
      a: 1.0,
      accountId: null,
      createdAt: '2026-11-20T13:00:00.000+01:00',
      success: { tokenExpiresAt: '2026-12-31T19:00:00.000000-05:00', displayName: null, username: 'u' },
      error: {},
      context: { isBYOK: null },
      metadata: {},
    },
  ]
  const [first, ...others] = notations.map((value) => idOf(createContentIds()(value)))
  expect(others).toEqual([first])
  const different = [{ metadata: { a: null } }, { success: { permissions: [] } }, {}, { error: { code: '' } }]
  expect(new Set(different.map((value) => idOf(createContentIds()(value)))).size).toBe(4)
})

it('leaves alone what has an id, and what is no object', () => {
  const named = createContentIds()
  for (const value of [{ eventId: 'e' }, { _id: 'l' }, { eventId: 5 }, null, 5, 'text', [{}]])
    expect(named(value)).toBe(value)
})

it('is not led into the depths', () => {
  const deep: unknown = JSON.parse(`{"metadata":${'['.repeat(200_000)}${']'.repeat(200_000)}}`)
  expect(idOf(createContentIds()(deep))).toMatch(/^line:[0-9a-f]{64}$/)
})

it('remembers no more than it may, and says so', () => {
  const named = createContentIds(2)
  for (const value of [{ a: 1 }, { a: 2 }, { a: 1 }, { a: 2, eventId: 'e' }, { a: 3, _id: 'l' }]) named(value)
  expect(() => named({ a: 3 })).toThrow(
    'Expected at most 2 different logs without `eventId` in one input, got more. Give them an `eventId`, or send them in parts.',
  )
})
