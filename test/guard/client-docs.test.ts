import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const CLIENTS = join(ROOT, 'test/clients')

/** What `npm run test:clients` compiles and runs. */
const sources = [
  'codegen.ts',
  'tsconfig.json',
  ...readdirSync(join(CLIENTS, 'src'), { recursive: true, encoding: 'utf8' }).map((path) => `src/${path}`),
]
  .filter((path) => /\.(ts|json)$/.test(path) && !path.includes('__generated__'))
  .map((path) => readFileSync(join(CLIENTS, path), 'utf8'))

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

const blocks = [
  ...readFileSync(join(ROOT, 'docs/clients.md'), 'utf8').matchAll(/^```(ts|json|graphql)\n([\s\S]*?)^```$/gm),
].map(([, language = '', code = '']) => ({ language, code }))

describe('docs/clients.md', () => {
  it('has code of each client', () => {
    const packages = [
      'graphql-request',
      '@apollo/client',
      '@urql/core',
      'relay-runtime',
      'graphql-sse',
      'eventsource',
      'gql.tada',
    ]
    const text = blocks.map(({ code }) => code).join('\n')
    expect(packages.filter((name) => !text.includes(`from '${name}'`))).toEqual([])
  })

  it('has no code but what is tested', () => {
    const parts = blocks.flatMap(({ code }) => partsOf(code))
    expect(parts.length).toBeGreaterThan(30)
    expect(
      parts.filter((part) => !isTested(part)),
      'copy it from test/clients/src, or bring it there first',
    ).toEqual([])
  })

  it('would tell of a line that has changed since', () => {
    expect(isTested("import { graphql } from '../generated/documents/index.ts'")).toBe(true)
    expect(isTested("import { graphql } from '../generated/documents.ts'")).toBe(false)
  })
})
