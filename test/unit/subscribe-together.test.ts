import { type ExecutionResult, buildSchema, parse } from 'graphql'
import { expect, it } from 'vitest'
import { subscribeTogether } from '../../src/graphql/subscribe-together.ts'

/** A schema whose only field counts how often it is asked. */
function countingSchema() {
  let asked = 0
  const schema = buildSchema('type Query { n: Int } type Subscription { n(twice: Boolean): Int }')
  const field = schema.getSubscriptionType()?.getFields()['n']
  if (!field) throw new TypeError('the schema has no field')
  field.subscribe = async function* (_, __, { events }: { events: readonly { n: number }[] }) {
    yield* events
  }
  field.resolve = ({ n }: { n: number }, { twice }: { twice?: boolean }) => {
    asked += 1
    return twice ? 2 * n : n
  }
  return { schema, asked: () => asked }
}

async function all(results: AsyncIterable<ExecutionResult> | ExecutionResult): Promise<unknown[]> {
  if (!(Symbol.asyncIterator in results)) return [results.errors?.map(({ message }) => message)]
  const seen: unknown[] = []
  for await (const { data } of results) seen.push({ ...data }['n'])
  return seen
}

const [PLAIN, VARIABLE] = [parse('subscription { n }'), parse('subscription ($t: Boolean) { n(twice: $t) }')]

it('executes an event once for all who ask for the same, and gives them the same result', async () => {
  const { schema, asked } = countingSchema()
  const events = [{ n: 1 }, { n: 2 }, { n: 3 }]
  const subscribe = async () =>
    all(await subscribeTogether({ schema, document: parse('subscription { n }'), contextValue: { events } }))
  expect(await Promise.all([subscribe(), subscribe(), subscribe()])).toEqual(
    Array.from({ length: 3 }, () => [1, 2, 3]),
  )
  expect(asked()).toBe(3)
})

it('shares nothing between those who ask for something else, nor between events that are alike', async () => {
  const { schema, asked } = countingSchema()
  const events = [{ n: 1 }, { n: 1 }]
  const contextValue = { events }
  const ask = async (document: typeof PLAIN, variableValues?: Record<string, unknown>) =>
    all(
      await subscribeTogether({ schema, document, contextValue, ...(variableValues && { variableValues }) }),
    )
  expect(await ask(PLAIN)).toEqual([1, 1])
  expect(await ask(VARIABLE, { t: true })).toEqual([2, 2])
  expect(await ask(VARIABLE, { t: false })).toEqual([1, 1])
  expect(asked()).toBe(6)
})

it('forgets results that were not made lately, though their events are still held', async () => {
  const { schema, asked } = countingSchema()
  const events = Array.from({ length: 300 }, (_, n) => ({ n }))
  const subscribe = async () =>
    all(await subscribeTogether({ schema, document: PLAIN, contextValue: { events } }))
  await subscribe()
  expect(asked()).toBe(300)
  await subscribe()
  expect(asked()).toBe(600)
  events.length = 200
  await subscribe()
  await subscribe()
  expect(asked()).toBe(800)
})

it('says what is wrong with a subscription that does not begin', async () => {
  const { schema } = countingSchema()
  const document = parse('subscription ($t: Boolean!) { n(twice: $t) }')
  expect(await all(await subscribeTogether({ schema, document, contextValue: { events: [] } }))).toEqual([
    ['Variable "$t" of required type "Boolean!" was not provided.'],
  ])
})
