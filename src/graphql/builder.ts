import SchemaBuilder from '@pothos/core'
import type {
  InputFieldMap,
  FieldNullability,
  FieldRequiredness,
  InputType,
  SchemaTypes,
  TypeParam,
} from '@pothos/core'
import type { Needs, Reach } from '../auth/scopes.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Context } from './context.ts'
import './enum-values.ts'

/** No root field without saying what it needs; see auth/needs.ts, which holds it to that. */
interface Declared {
  readonly needs: Needs
  /** Where what it does reaches beyond one user. */
  readonly reach?: 'service key'
}

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- how Pothos lets options be added
  namespace PothosSchemaTypes {
    interface QueryFieldOptions<
      Types extends SchemaTypes,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveReturnShape,
    > extends Declared {}
    interface MutationFieldOptions<
      Types extends SchemaTypes,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveReturnShape,
    > extends Declared {}
    interface SubscriptionFieldOptions<
      Types extends SchemaTypes,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveShape,
      ResolveReturnShape,
    > extends Declared {}
    interface InputFieldOptions<
      Types extends SchemaTypes,
      Type extends InputType<Types> | [InputType<Types>],
      Req extends FieldRequiredness<Type>,
    > {
      /** Where it names a user: who may give it. */
      readonly reach?: Reach
    }
  }
}

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
}>({ plugins: ['enumValues'], defaultFieldNullability: false })

builder.queryType({ description: 'What can be asked of connlog.' })
builder.mutationType({ description: 'What can be changed in connlog.' })
builder.subscriptionType({ description: 'What connlog tells of as it happens, over server-sent events.' })
