import { cpSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Ended, HERE, ROOT, runTool } from './support/run.ts'
import { createScratch } from './support/scratch.ts'

const GOOD = 'query MisspeltQuery { connectionLogs { logs { platform } } }'
const BAD = GOOD.replace('platform', 'platfrom')

const schema = readFileSync(join(ROOT, 'schema.graphql'), 'utf8')

/** What each generator makes of a document that stands in a source. */
const generators: Record<string, (document: string) => Promise<Ended>> = {
  'GraphQL Code Generator': (document) => {
    const cwd = createScratch({
      'schema.graphql': schema,
      'codegen.json': {
        schema: 'schema.graphql',
        documents: 'source.ts',
        generates: { 'out/': { preset: 'client' } },
      },
      'source.ts': `export const query = graphql(\`${document}\`)\n`,
    })
    return runTool('graphql-codegen', ['--config', 'codegen.json'], { cwd })
  },
  'the Relay compiler': (document) => {
    const cwd = createScratch({
      'schema.graphql': schema,
      'relay.json': { src: '.', schema: 'schema.graphql', language: 'typescript' },
      'Misspelt.ts': `export const query = graphql\`${document}\`\n`,
    })
    return runTool('relay-compiler', ['relay.json'], { cwd })
  },
  'gql.tada': (document) => {
    const cwd = createScratch({
      'tsconfig.json': {
        extends: join(HERE, 'tsconfig.json'),
        compilerOptions: {
          plugins: [
            { name: 'gql.tada/ts-plugin', schema: 'schema.graphql', tadaOutputLocation: 'graphql-env.d.ts' },
          ],
        },
        include: [],
        files: ['source.ts'],
      },
      'schema.graphql': schema,
      'source.ts': `import { graphql } from '${HERE}src/tada.ts'\nexport const query = graphql(\`${document}\`)\n`,
    })
    return runTool('gql.tada', ['check'], { cwd })
  },
}

describe.each(Object.entries(generators))('%s', (_, generate) => {
  it('takes a document that fits the schema', async () => {
    const { code, stdout, stderr } = await generate(GOOD)
    expect([code, stdout + stderr]).toEqual([0, expect.not.stringContaining('platf')])
  })

  it('refuses one that asks for a field that there is not', async () => {
    const { code, stdout, stderr } = await generate(BAD)
    expect([code, stdout + stderr]).toEqual([1, expect.stringContaining('platfrom')])
  })
})

it('the Relay compiler takes the documents of examples/relay', async () => {
  const scratch = createScratch({ 'schema.graphql': schema })
  const cwd = join(scratch, 'examples/relay')
  for (const path of ['src/Failures.ts', 'relay.config.json'])
    cpSync(join(ROOT, 'examples/relay', path), join(cwd, path))
  expect((await runTool('relay-compiler', [], { cwd })).code).toBe(0)
  expect(readdirSync(join(cwd, 'src/__generated__')).sort()).toEqual([
    'FailuresLogQuery.graphql.ts',
    'FailuresPaginationQuery.graphql.ts',
    'FailuresQuery.graphql.ts',
    'Failures_query.graphql.ts',
  ])
})
