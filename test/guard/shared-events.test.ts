import { type GraphQLOutputType, getNamedType, isObjectType } from 'graphql'
import { expect, it } from 'vitest'
import { createSchema } from '../../src/schema.ts'

/** Fields that could see who is asking, of a type and of all that it leads to: their resolvers take more than a parent. */
function seeingFields(type: GraphQLOutputType, seen = new Set<string>()): string[] {
  const named = getNamedType(type)
  if (!isObjectType(named) || seen.has(named.name)) return []
  seen.add(named.name)
  return Object.values(named.getFields()).flatMap((field) => [
    ...(field.resolve !== undefined && field.resolve.length !== 1 ? [`${named.name}.${field.name}`] : []),
    ...seeingFields(field.type, seen),
  ])
}

it('what comes of an event is the same for all who ask: see src/graphql/subscribe-together.ts', () => {
  const schema = createSchema()
  const event = schema.getSubscriptionType()?.getFields()['connectionLogRecorded']
  if (!event) throw new TypeError('there is no such subscription')
  expect(seeingFields(event.type)).toEqual([])
  // A page, which does see who is asking, is told from it.
  expect(seeingFields(schema.getQueryType()!)).toContain('Query.viewer')
})
