import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql'

/** The schema as the text of schema.graphql: sorted, so that a change shows as what it is. */
export function printSorted(schema: GraphQLSchema): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`
}
