import { GraphQLInt, GraphQLObjectType, GraphQLSchema, execute, parse } from 'graphql'
import { describe, expect, it } from 'vitest'
import { oneRootPerTurn } from '../../src/http/one-root-per-turn.ts'
import { systemClock } from '../../src/kernel/clock.ts'

const nextTurn = () => systemClock.sleep(0)

/** A schema whose pages arrive together, and the order in which they were completed between turns of the loop. */
function createPages() {
  const order: string[] = []
  const page = new GraphQLObjectType({
    name: 'Page',
    fields: {
      id: { type: GraphQLInt, resolve: (_, __, ___, { path }) => void order.push(String(path.prev?.key)) },
    },
  })
  const schema = new GraphQLSchema({
    query: new GraphQLObjectType({
      name: 'Query',
      fields: {
        page: { type: page, resolve: async () => ({}) },
        failing: { type: page, resolve: async () => Promise.reject(new Error('failed')) },
        now: { type: GraphQLInt, resolve: () => 1 },
      },
    }),
  })
  const run = async (schema: GraphQLSchema, query: string) => {
    let isOver = false
    const tick = () => {
      if (isOver) return
      order.push('turn')
      setImmediate(tick)
    }
    setImmediate(tick)
    const result = await execute({ schema, document: parse(query), contextValue: {} })
    isOver = true
    return result
  }
  return { schema, order, run }
}

describe('root fields of a query', () => {
  it('complete one after the other, with a turn of the loop between them', async () => {
    const { schema, order, run } = createPages()
    const result = await run(
      oneRootPerTurn(schema, nextTurn),
      '{ a: page { id } now b: page { id } c: page { id } }',
    )
    expect(result).toEqual({ data: { a: { id: null }, now: 1, b: { id: null }, c: { id: null } } })
    expect(order.join(' ')).toMatch(/^a (turn )+b (turn )+c/)
  })

  it('complete in one turn without it', async () => {
    const { schema, order, run } = createPages()
    await run(schema, '{ a: page { id } b: page { id } c: page { id } }')
    expect(order).toEqual(['a', 'b', 'c'])
  })

  it('wait for nothing if there is one', async () => {
    const { schema, order, run } = createPages()
    await run(oneRootPerTurn(schema, nextTurn), '{ a: page { id } }')
    expect(order).toEqual(['a'])
  })

  it('fail each for itself', async () => {
    const { schema, run } = createPages()
    const { data, errors } = await run(
      oneRootPerTurn(schema, nextTurn),
      '{ a: failing { id } b: page { id } c: failing { id } }',
    )
    expect(data).toEqual({ a: null, b: { id: null }, c: null })
    expect(errors?.map(({ path }) => path)).toEqual([['a'], ['c']])
  })
})
