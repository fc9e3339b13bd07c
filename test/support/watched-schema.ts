import { type GraphQLSchema, defaultFieldResolver, isObjectType } from 'graphql'

/**
 * Lets `before` know of each resolver, the function that answers a page as text among them, before it runs. A resolver
 * waits for what `before` has to wait for.
 */
export function watchResolvers(
  schema: GraphQLSchema,
  before: (field: string) => void | Promise<void>,
): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      const name = `${type.name}.${field.name}`
      const resolve = field.resolve ?? defaultFieldResolver
      field.resolve = (...args) => {
        const waited = before(name)
        return waited ? waited.then(() => resolve(...args)) : resolve(...args)
      }
      const text = field.extensions['text'] as ((...args: unknown[]) => unknown) | undefined
      if (text)
        field.extensions = {
          ...field.extensions,
          text: async (...args: unknown[]) => {
            await before(name)
            return text(...args)
          },
        }
    }
  }
  return schema
}
