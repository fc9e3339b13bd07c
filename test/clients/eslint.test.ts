import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ESLint } from 'eslint'
import graphql from '@graphql-eslint/eslint-plugin'
import { expect, it } from 'vitest'
import { HERE, ROOT } from './support/run.ts'
import { createScratch } from './support/scratch.ts'

const schema = readFileSync(join(ROOT, 'schema.graphql'), 'utf8')

const eslintIn = (cwd: string) =>
  new ESLint({
    cwd,
    overrideConfigFile: join(HERE, 'eslint.config.js'),
    // Its path is else one from where the process was started.
    overrideConfig: {
      files: ['**/*.graphql'],
      languageOptions: { parserOptions: { graphQLConfig: { schema: join(cwd, 'schema.graphql') } } },
    },
  })

/** What the rules say of a schema, by their names. */
async function complaintsOf(cwd: string): Promise<string[]> {
  const results = await eslintIn(cwd).lintFiles(['schema.graphql'])
  return results.flatMap(({ messages }) =>
    messages.map(({ ruleId, message }) => ruleId?.split('/')[1] ?? message),
  )
}

it('schema.graphql keeps the rules that are recommended for schemas, and those of Relay', async () => {
  expect(await complaintsOf(ROOT)).toEqual([])
})

it('no rule of the two is off', async () => {
  const { rules } = (await eslintIn(ROOT).calculateConfigForFile(join(ROOT, 'schema.graphql'))) as {
    rules: Record<string, [severity: number]>
  }
  const recommended = ['flat/schema-recommended', 'flat/schema-relay'] as const
  const names = recommended.flatMap((name) => Object.keys(graphql.configs[name].rules))
  expect(names.length).toBeGreaterThan(20)
  expect(names.filter((name) => rules[name]?.[0] !== 2)).toEqual([])
})

it.each([
  ['  connectionLogs(', '  getConnectionLogs(', ['naming-convention']],
  ['"""A key, without its secret."""\n', '', ['require-description']],
  ['  """Id of the entry."""\n', '  auditLogEntryName: String\n', ['no-typename-prefix']],
  ['  """Id of the entry."""\n  id: ID!\n', '', ['strict-id-in-types']],
  [
    '  """Where the page stands."""\n  pageInfo: PageInfo!\n',
    '',
    ['no-unreachable-types', 'relay-connection-types'],
  ],
  [
    '  """\n  Where the next older page begins, to be given to `after`; null where there is nothing on the page and no more to look through.\n  """\n  endCursor: String\n',
    '',
    ['relay-page-info'],
  ],
  [
    '  """The place of the log, to be given to `after` or `before`. Opaque."""\n  cursor: String!\n',
    '',
    ['relay-edge-types'],
  ],
  ['  """Only logs newer than the place of this cursor."""\n    before: String\n', '', ['relay-arguments']],
])('a schema with a fault is told: %j in the place of %j', async (good, bad, rules) => {
  const parts = schema.split(good)
  expect(parts).toHaveLength(2)
  const complaints = await complaintsOf(createScratch({ 'schema.graphql': parts.join(bad) }))
  expect([...new Set(complaints)].sort()).toEqual(rules)
})
