import { readFileSync } from 'node:fs'
import {
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql'
import { expect, it } from 'vitest'
import { printSorted } from '../../src/graphql/print.ts'
import { createSchema } from '../../src/schema.ts'

const schema = createSchema()

it('schema.graphql is the schema', () => {
  const committed = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8')
  expect(printSorted(schema), 'schema.graphql is out of date: run `npm run schema`').toBe(committed)
})

it('describes every type, field, argument, input field and enum value', () => {
  const described = (name: string, { description }: { description?: string | null | undefined }) =>
    (description ?? '').length < 4 ? [name] : []
  const own = Object.values(schema.getTypeMap()).filter(
    (type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type),
  )
  const parts = (type: GraphQLNamedType): string[] => {
    if (isEnumType(type))
      return type.getValues().flatMap((value) => described(`${type.name}.${value.name}`, value))
    if (isInputObjectType(type))
      return Object.values(type.getFields()).flatMap((field) =>
        described(`${type.name}.${field.name}`, field),
      )
    if (!isObjectType(type)) return []
    return Object.values(type.getFields()).flatMap((field) => [
      ...described(`${type.name}.${field.name}`, field),
      ...field.args.flatMap((arg) => described(`${type.name}.${field.name}(${arg.name})`, arg)),
    ])
  }
  expect(own.flatMap((type) => [...described(type.name, type), ...parts(type)])).toEqual([])
})
