import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const CLIENTS = join(ROOT, 'test/clients')

/** What `npm run test:clients` compiles and runs. */
const sources = ['', 'src', 'src/relay', 'documents', 'documents/src', 'strings', 'strings/src']
  .flatMap((folder) => readdirSync(join(CLIENTS, folder)).map((name) => join(folder, name)))
  .filter((path) => /\.(ts|json)$/.test(path))
  .map((path) => readFileSync(join(CLIENTS, path), 'utf8'))
  // There is no package in the repository itself.
  .map((source) => source.replaceAll(/(?:\.\.\/)+(?=schema\.graphql)/g, 'node_modules/connlog/'))

/** A part of a block, up to a blank line, as it stands in some source, be it further to the right. */
const isTested = (part: string) => {
  const lines = part.trimEnd().split('\n')
  return sources.some((source) =>
    ['', '  ', '    '].some((indent) =>
      `\n${source}`.includes(`\n${lines.map((line) => line && indent + line).join('\n')}\n`),
    ),
  )
}

/** Parts of code: what begins at the left again after a blank line. */
const partsOf = (code: string) => code.trimEnd().split(/\n\n(?=\S)/)

/** The clients of the table, but for Node's own. */
const PACKAGES = {
  'graphql-request': 'graphql-request',
  'Apollo Client': '@apollo/client',
  urql: '@urql/core',
  Relay: 'relay-runtime',
  'graphql-sse': 'graphql-sse',
  eventsource: 'eventsource',
}

const page = readFileSync(join(ROOT, 'docs/clients.md'), 'utf8')
const blocks = [...page.matchAll(/^```(ts|json|graphql)\n([\s\S]*?)^```$/gm)].map(
  ([, language = '', code = '']) => ({ language, code }),
)

describe('docs/clients.md', () => {
  it('has code of each client', () => {
    const text = blocks.map(({ code }) => code).join('\n')
    expect(
      [...Object.values(PACKAGES), 'gql.tada'].filter((name) => !text.includes(`from '${name}'`)),
    ).toEqual([])
  })

  it('has no code but what is tested', () => {
    const parts = blocks.flatMap(({ code }) => partsOf(code))
    expect(parts.length).toBeGreaterThan(30)
    expect(
      parts.filter((part) => !isTested(part)),
      'copy it from test/clients, or add it there first',
    ).toEqual([])
  })

  it('names the versions that are tested', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(CLIENTS, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>
    }
    const rows = [...page.matchAll(/^\| (\S.*?) \| (\d+) \|/gm)].map(([, name = '', version]) => [
      name,
      version,
    ])
    expect(rows, 'make the versions of the table those of test/clients/package.json').toEqual(
      Object.entries(PACKAGES).map(([name, dependency]) => [
        name,
        devDependencies[dependency]?.split('.')[0],
      ]),
    )
  })

  it('would tell of a line that has changed since', () => {
    expect(isTested("import { graphql } from '../generated/index.ts'")).toBe(true)
    expect(isTested("import { graphql } from '../generated.ts'")).toBe(false)
  })
})
