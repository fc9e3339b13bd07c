import SchemaBuilder, { BasePlugin, type PothosTypeConfig, type SchemaTypes } from '@pothos/core'

/** Values of an enum by their names in GraphQL. */
type EnumValues = Readonly<Record<string, { readonly value: string; readonly description: string }>>

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- how Pothos lets options be added
  namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      enumValues: EnumValuesPlugin<Types>
    }
    // oxlint-disable-next-line typescript/no-unused-vars -- has to have the parameter of the original
    interface BuildSchemaOptions<Types extends SchemaTypes> {
      /** Values that only this schema has, by the name of the enum. */
      readonly enumValues?: Readonly<Record<string, EnumValues>>
    }
  }
}

/** Adds values to enums while a schema is built. The builder, which all schemas of a process share, stays as it is. */
class EnumValuesPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onTypeConfig(type: PothosTypeConfig): PothosTypeConfig {
    const more = type.kind === 'Enum' ? this.options.enumValues?.[type.name] : undefined
    if (type.kind !== 'Enum' || !more) return type
    const values = typeof type.values === 'function' ? type.values() : type.values
    return { ...type, values: { ...values, ...more } }
  }
}

SchemaBuilder.registerPlugin('enumValues', EnumValuesPlugin)
