import SchemaBuilder from '@pothos/core'
import type { JsonObject } from '../kernel/json.ts'
import type { Context } from './context.ts'

/** The one module-level object: it holds types and no connection. */
export const builder = new SchemaBuilder<{
  Context: Context
  DefaultFieldNullability: false
  Scalars: {
    /** Instants are milliseconds since the epoch inside. */
    DateTime: { Input: number; Output: number }
    JSONObject: { Input: JsonObject; Output: JsonObject }
    ID: { Input: string; Output: string }
  }
}>({ defaultFieldNullability: false })

builder.queryType({ description: 'What can be asked of connlog.' })
builder.mutationType({ description: 'What can be changed in connlog.' })
builder.subscriptionType({ description: 'What connlog tells of as it happens, over server-sent events.' })
