import { readFileSync, writeFileSync } from 'node:fs'
import { isInputObjectType, isObjectType } from 'graphql'
import { expect, it } from 'vitest'
import { needsOf, reachOf, rootFields } from '../../src/auth/needs.ts'
import { REACHES } from '../../src/auth/scopes.ts'
import { builder } from '../../src/graphql/builder.ts'
import { OTHER_DOORS } from '../../src/http/handler.ts'
import { createSchema } from '../../src/schema.ts'
import { startTestApp } from '../support/app.ts'

const PAGE = new URL('../../docs/scopes.md', import.meta.url)
const MEND = 'docs/scopes.md is out of date: run `npm run scopes`'

const schema = createSchema()
const fields = rootFields(schema)

/** Every argument and every part of an input, as schema coordinates. */
const inputs = [
  ...fields.flatMap(([name, { args }]) => args.map((arg) => ({ at: `${name}(${arg.name}:)`, input: arg }))),
  ...Object.values(schema.getTypeMap())
    .filter(isInputObjectType)
    .flatMap((type) =>
      Object.values(type.getFields()).map((input) => ({ at: `${type.name}.${input.name}`, input })),
    ),
]

const table = (header: string[], rows: string[][]) =>
  [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

const byName = ([a = '']: string[], [b = '']: string[]) => (a < b ? -1 : 1)

async function page(): Promise<string> {
  const { routes } = await startTestApp('sqlite')
  const quoted = (text: string) => (/^(any|no) key$/.test(text) ? text : `\`${text}\``)
  const doors = [
    ...Object.entries(OTHER_DOORS),
    ...routes.flatMap(({ path, methods }) =>
      Object.entries(methods).map(([method, { needs }]) => [`${method} ${path}`, needs] as const),
    ),
  ].map(([door, needs]) => [`\`${door}\``, quoted(needs)])
  const asked = fields.map(([name, field]) => {
    const reach = reachOf(field)
    return [`\`${name}\``, quoted(needsOf(field)), reach === undefined ? 'all keys' : 'service keys']
  })
  const naming = inputs.flatMap(({ at, input }) => {
    const reach = reachOf(input)
    return reach === undefined ? [] : [[`\`${at}\``, REACHES[reach]]]
  })
  return `# What needs which scope

Made from the code by \`npm run scopes\`: what stands here is what is asked for. [keys.md](keys.md) says what scopes are,
and what a key without one is told.

## Fields

A field below these needs nothing more than the one that it is asked under.

${table(['field', 'needs', 'answers'], asked.sort(byName))}

## Routes

HEAD needs what GET needs.

${table(['route', 'needs'], doors.sort(byName))}

## Arguments that name a user

Everything else is looked for among the logs that the key reaches: what is another user's is as if it had never been.

${table(['argument', 'who may give it'], naming.sort(byName))}
`
}

it('docs/scopes.md is what fields, routes and arguments say', async () => {
  const text = await page()
  if (process.env['WRITE_SCOPES']) writeFileSync(PAGE, text)
  expect(readFileSync(PAGE, 'utf8'), MEND).toBe(text)
})

it('by type, no root field leaves out what it needs', () => {
  // Checked by `npm run check`, which fails where this is no error any more. Never run.
  const wrong = () =>
    builder.queryField('secrets', (t) =>
      // @ts-expect-error -- a root field without `needs` would be open to all keys
      t.string({ description: 'Secrets.', resolve: () => '' }),
    )
  expect(wrong.length).toBe(0)
})

it('every argument that is called after a user says who may name one', () => {
  const silent = inputs.filter(({ at, input }) => /user(?!name)/i.test(at) && reachOf(input) === undefined)
  expect(
    silent.map(({ at }) => at),
    'give it `reach`, see REACHES in src/auth/scopes.ts',
  ).toEqual([])
  expect(inputs.filter(({ input }) => reachOf(input) !== undefined).length).toBeGreaterThanOrEqual(3)
})

it('no field below the root takes the context, so that nothing is reached but what the root was asked for', () => {
  const roots = new Set([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()])
  const below = Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter((type) => !roots.has(type) && !type.name.startsWith('__'))
    .flatMap((type) =>
      Object.values(type.getFields()).map((field) => ({ at: `${type.name}.${field.name}`, field })),
    )
  const own = below.map(({ at, field }) => ({
    at,
    resolve: (field.extensions['pothosOptions'] as { resolve?: (...args: unknown[]) => unknown }).resolve,
  }))
  expect(own.filter(({ resolve }) => resolve).length).toBeGreaterThan(5)
  expect(own.filter(({ resolve }) => (resolve?.length ?? 0) > 2).map(({ at }) => at)).toEqual([])
})
