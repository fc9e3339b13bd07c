import type { GraphQLSchema } from 'graphql'
import './graphql/scalars.ts'
import './auth/audit-schema.ts'
import './auth/key-schema.ts'
import './auth/schema.ts'
import './connections/schema/connection.ts'
import './connections/schema/erase.ts'
import './connections/schema/feed.ts'
import './connections/schema/mutations.ts'
import './connections/schema/queries.ts'
import './connections/schema/stats.ts'
import { enforceNeeds } from './auth/needs.ts'
import { builder } from './graphql/builder.ts'

/** The GraphQL schema, of all features together, each root field held to the scope that it names. */
export function createSchema(): GraphQLSchema {
  return enforceNeeds(builder.toSchema({ sortSchema: true }))
}
