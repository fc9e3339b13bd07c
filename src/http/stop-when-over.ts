import { type GraphQLSchema, isObjectType } from 'graphql'
import type { Price } from '../graphql/cost.ts'
import { AppError } from '../kernel/errors.ts'

/** What this needs of the context of a request. */
interface Ending {
  /** Aborted when the time of the request is over, or its client has gone. */
  readonly signal?: () => AbortSignal
}

/**
 * Starts no field that makes the database work, which is one with a weight ({@link Price}), once the request is over. A
 * statement that is running ends by itself. Fields of subscriptions are left out: several requests share their results.
 */
export function stopWhenOver(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type === schema.getSubscriptionType()) continue
    for (const field of Object.values(type.getFields())) {
      const { resolve } = field
      if (!resolve || (field.extensions['cost'] as Price | undefined)?.weight === undefined) continue
      field.resolve = (source, args, context: Ending, info) => {
        // Nobody reads this error.
        if (context.signal?.().aborted) throw new AppError('SERVICE_UNAVAILABLE', 'The request is over.')
        return resolve(source, args, context, info)
      }
    }
  }
  return schema
}
