import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { GraphQLError, buildSchema, parse, validate } from 'graphql'
import { describe, expect, it } from 'vitest'
import { SCOPES } from '../../src/auth/scopes.ts'
import { ERROR_STATUS } from '../../src/kernel/errors.ts'

const ROOT = resolve(import.meta.dirname, '../..')

const pages = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))

const schema = buildSchema(readFileSync(join(ROOT, 'schema.graphql'), 'utf8'))

const textOf = (path: string) => pages.find((page) => page.path === path)?.text ?? ''

/** The first cells of each row of the table whose header begins with these, code marks taken off. */
function tableRows(path: string, ...header: [string, string]): string[][] {
  const lines = textOf(path).split('\n')
  const start = lines.findIndex((line) => line.startsWith(`| ${header.join(' | ')} |`))
  expect(start, `${path} lacks the table that begins with | ${header.join(' | ')} |`).not.toBe(-1)
  const rest = lines.slice(start + 2)
  return rest
    .slice(
      0,
      rest.findIndex((line) => !line.startsWith('|')),
    )
    .map((line) =>
      line
        .split('|')
        .slice(1, 1 + header.length)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
}

const withoutCode = (text: string) => text.replaceAll(/^```[\s\S]*?^```$/gm, '')

/** The names by which a page's headings are linked to, as GitHub makes them. */
const anchorsOf = (text: string) =>
  [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )

/** What a relative link of a page points to in vain; undefined where it arrives. */
function brokenLink({ path, text }: { path: string; text: string }, target: string): string | undefined {
  const [file = '', anchor] = target.split('#')
  const found = file === '' ? join(ROOT, path) : resolve(ROOT, dirname(path), file)
  if (!existsSync(found))
    return `${path} links to ${target}, which is not there: mend the link or add the file`
  if (anchor === undefined) return undefined
  const anchors = anchorsOf(file === '' ? text : readFileSync(found, 'utf8'))
  return anchors.includes(anchor)
    ? undefined
    : `${path} links to ${target}, but there is no such heading: mend the link, or take one of ${anchors.join(', ')}`
}

const graphqlBlocks = pages.flatMap(({ path, text }) =>
  [...text.matchAll(/^```graphql\n([\s\S]*?)^```$/gm)].map(({ 1: source = '', index }) => ({
    where: `${path}:${text.slice(0, index).split('\n').length}`,
    source,
  })),
)

describe('docs', () => {
  it('docs/graphql.md lists every error code with its HTTP status', () => {
    expect(
      tableRows('docs/graphql.md', 'code', 'HTTP status'),
      'make the rows of “Errors” in docs/graphql.md those of ERROR_STATUS in src/kernel/errors.ts, in their order',
    ).toEqual(Object.entries(ERROR_STATUS).map(([code, status]) => [code, String(status)]))
  })

  it('docs/keys.md lists every scope with its description', () => {
    expect(
      tableRows('docs/keys.md', 'scope', 'what it is for'),
      'make the rows of “Scopes” in docs/keys.md those of SCOPES in src/auth/scopes.ts, in their order',
    ).toEqual(Object.entries(SCOPES))
  })

  it('relative links point to files and headings that exist', () => {
    const broken = pages.flatMap((page) =>
      [...withoutCode(page.text).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^[a-z]+:/.test(target))
        .map((target) => brokenLink(page, target))
        .filter((sentence) => sentence !== undefined),
    )
    expect(broken).toEqual([])
  })

  it('docs/README.md leads to every page', () => {
    const index = textOf('docs/README.md')
    const unnamed = pages
      .map(({ path }) => path.replace('docs/', ''))
      .filter((name) => name !== 'README.md' && !index.includes(`](${name})`))
    expect(unnamed, 'give each of these pages its row in docs/README.md').toEqual([])
  })

  it('has GraphQL to show', () => {
    expect(graphqlBlocks.map(({ where }) => where.split(':')[0])).toContain('docs/graphql.md')
  })

  it.each(graphqlBlocks)('the GraphQL at $where fits schema.graphql', ({ where, source }) => {
    const mend = `mend the example at ${where}, or run \`npm run schema\` if the schema has changed`
    expect(complaints(source), mend).toEqual([])
  })
})

function complaints(source: string): string[] {
  try {
    return validate(schema, parse(source)).map(({ message }) => message)
  } catch (error) {
    if (error instanceof GraphQLError) return [error.message]
    throw error
  }
}
