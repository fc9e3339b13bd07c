import type { GraphQLSchema } from 'graphql'
import './graphql/scalars.ts'
import './auth/audit-schema.ts'
import './auth/key-schema.ts'
import './auth/schema.ts'
import './connections/schema/connection.ts'
import './connections/schema/erase.ts'
import './connections/schema/mutations.ts'
import './connections/schema/queries.ts'
import './connections/schema/stats.ts'
import { builder } from './graphql/builder.ts'

/** The GraphQL schema, of all features together. */
export function createSchema(): GraphQLSchema {
  return builder.toSchema({ sortSchema: true })
}
