import type { GraphQLSchema } from 'graphql'
import type { YieldIfLong } from '../kernel/yield-if-long.ts'

/**
 * Lets the event loop go on between the root fields of a query. GraphQL completes each as soon as its data is there, so
 * ten large pages that arrive together would be completed in one turn. A query with one root field waits for nothing.
 */
export function oneRootPerTurn(schema: GraphQLSchema, yieldIfLong: YieldIfLong): GraphQLSchema {
  const latest = new WeakMap<object, Promise<unknown>>()
  for (const field of Object.values(schema.getQueryType()?.getFields() ?? {})) {
    const { resolve } = field
    if (!resolve) continue
    field.resolve = (source, args, context: object, info) => {
      const value: unknown = resolve(source, args, context, info)
      if (!(value instanceof Promise)) return value
      const before = latest.get(context)
      const inTurn = before ? afterTurn(before, value) : value
      latest.set(context, inTurn)
      return inTurn
    }
  }
  return schema

  async function afterTurn<T>(before: Promise<unknown>, value: Promise<T>): Promise<T> {
    await Promise.allSettled([before, value])
    await yieldIfLong()
    return value
  }
}
