import { type GraphQLSchema, isEnumType } from 'graphql'
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
import { type Platforms, createPlatforms } from './connections/event.ts'
import { extraPlatformValues, serializeUnlisted } from './connections/schema/enums.ts'
import { builder } from './graphql/builder.ts'
import { rejectLongValues } from './graphql/long-values.ts'

/** The GraphQL schema, of all features together, each root field held to the scope that it names. */
export function createSchema(platforms: Platforms = createPlatforms()): GraphQLSchema {
  const schema = builder.toSchema({
    sortSchema: true,
    enumValues: { Platform: extraPlatformValues(platforms) },
  })
  const platform = schema.getType('Platform')
  if (isEnumType(platform)) serializeUnlisted(platform)
  for (const type of Object.values(schema.getTypeMap())) if (isEnumType(type)) rejectLongValues(type)
  return enforceNeeds(schema)
}
