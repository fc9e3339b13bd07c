import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { ROOT, install, outcome, output } from './installed.ts'

const page = readFileSync(join(ROOT, 'docs/clients.md'), 'utf8')

/** Files of the page in the order in which they come: each block of code whose paragraph before it names one. */
const files = [
  ...page.matchAll(/`((?:src\/)?[\w-]+\.ts)`[^\n]*(?:\n[^\n]+)*:\n\n```ts\n([\s\S]*?)^```$/gm),
].map(([, path = '', code = '']) => ({ path, code }))
const codeOf = (path: string, index = 0) => files.filter((file) => file.path === path)[index]?.code ?? ''

const { devDependencies: versions } = JSON.parse(
  readFileSync(join(ROOT, 'test/clients/package.json'), 'utf8'),
) as { devDependencies: Record<string, string> }

const PACKAGES = [
  '@apollo/client',
  '@graphql-codegen/cli',
  '@graphql-codegen/client-preset',
  '@graphql-typed-document-node/core',
  '@types/node',
  '@urql/core',
  'eventsource',
  'gql.tada',
  'graphql',
  'graphql-request',
  'graphql-sse',
  'rxjs',
  'typescript',
]

/** The part of `compilerOptions` that the page has for gql.tada. */
const plugins = /^```json\n("plugins"[\s\S]*?)^```$/m.exec(page)?.[1] ?? ''

const compilerOptions = {
  target: 'es2023',
  lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
  module: 'esnext',
  moduleResolution: 'bundler',
  strict: true,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
  types: ['node'],
  noEmit: true,
}

describe('the code of docs/clients.md in a project that has the package', () => {
  let folder: string
  beforeAll(() => {
    folder = install(inject('tarball'))
    const named = PACKAGES.map((name) => `${name}@${versions[name]}`)
    output(folder, {}, 'npm', 'install', '--silent', '--ignore-scripts', '--save-dev', ...named)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  function start(name: string, written: Record<string, string>): string {
    const project = join(folder, name)
    const tsconfig = JSON.stringify({ compilerOptions, include: ['src'] }).replace(
      '"noEmit":true',
      `"noEmit":true,${plugins}`,
    )
    for (const [path, code] of Object.entries({ ...written, 'tsconfig.json': tsconfig })) {
      mkdirSync(dirname(join(project, path)), { recursive: true })
      writeFileSync(join(project, path), code.replaceAll('node_modules/connlog', '../node_modules/connlog'))
    }
    return project
  }

  it.each([
    ['documents', 0, ['src/graphql-request.ts', 'src/apollo-client.ts']],
    ['strings', 1, ['src/fetch.ts', 'src/graphql-sse.ts', 'src/event-source.ts']],
  ])('is generated and compiled with %s', (name, config, clients) => {
    const paths = ['src/operations.ts', ...clients]
    const project = start(name, {
      'codegen.ts': codeOf('codegen.ts', config),
      ...Object.fromEntries(paths.map((path) => [path, codeOf(path)])),
    })
    expect(outcome(project, 'npx', 'graphql-codegen', '--silent')).toEqual({ code: 0, text: '' })
    expect(outcome(project, 'npx', 'tsc', '-p', '.')).toEqual({ code: 0, text: '' })
  })

  it('is checked and compiled with gql.tada', () => {
    const project = start('tada', {
      'src/tada.ts': codeOf('src/tada.ts'),
      'src/operations.ts': codeOf('src/operations.ts').replace("'../generated/index.ts'", "'./tada.ts'"),
      'src/urql.ts': codeOf('src/urql.ts'),
    })
    expect(outcome(project, 'npx', 'gql.tada', 'generate-output').code).toBe(0)
    expect(outcome(project, 'npx', 'gql.tada', 'check').code).toBe(0)
    expect(outcome(project, 'npx', 'tsc', '-p', '.')).toEqual({ code: 0, text: '' })
  })
})
