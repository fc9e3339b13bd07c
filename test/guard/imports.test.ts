import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, it } from 'vitest'

const SRC = resolve(import.meta.dirname, '../../src')

/** A folder may import from these folders besides its own; types may come from anywhere below `app.ts`. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  kernel: [],
  config: ['kernel'],
  database: ['kernel', 'generated'],
  logs: ['kernel', 'database'],
  auth: ['kernel', 'database', 'graphql'],
  graphql: ['kernel'],
  connections: ['kernel', 'database', 'logs', 'auth', 'graphql', 'http'],
  http: ['kernel', 'graphql', 'auth'],
  observe: ['kernel'],
  demo: ['kernel', 'auth', 'connections'],
  late: ['kernel'],
  remote: ['kernel'],
  cli: [
    'kernel',
    'config',
    'database',
    'logs',
    'auth',
    'graphql',
    'connections',
    'late',
    'remote',
    'http',
    'demo',
    '.',
  ],
  '.': ['kernel', 'config', 'database', 'logs', 'auth', 'graphql', 'connections', 'http', 'observe', 'cli'],
}

/** What stands in one place only: a pattern in the code, and the files that own it. */
const OWNERS: readonly [what: string, pattern: RegExp, owner: RegExp][] = [
  ['process.env and process.exit', /process\.(env|exit\b)|from 'node:process'/, /^main\.ts$/],
  ['signals', /process\.(on|once)\(/, /^main\.ts$/],
  [
    'the time of day',
    /Date\.now\(|new Date\(\)|performance\.now\(/,
    /^(kernel\/clock\.ts|database\/sqlite\/connection-thread\.js)$/,
  ],
  ['timers', /(?<!socket\.)\b(setTimeout|setInterval)\(|node:timers/, /^kernel\/(clock|lifecycle)\.ts$/],
  ['node:http', /from 'node:http'/, /^http\/(listen|node-listener|node-request)\.ts$/],
  ['new GraphQLError', /new GraphQLError\(/, /^graphql\/errors\.ts$/],
  [
    'drivers and generated clients',
    /from '(pg|@photostructure\/sqlite|@prisma\/[^']+|.*generated\/[^']+)'/,
    /^database\//,
  ],
  ['prom-client', /from 'prom-client'/, /^observe\//],
  ['OpenTelemetry', /['"]@opentelemetry\//, /^(observe\/|kernel\/logger\.ts$|cli\/tracing\.ts$)/],
  ['console', /\bconsole\./, /^cli\//],
  // See "No accessors on what a request makes" in docs/decisions.md.
  ['accessors', /^\s+(get|set) [\w[]+\(/m, /^http\/graphiql-boot\.ts$/],
  ['default exports', /^export default/m, /^never$/],
]

interface Import {
  readonly target: string
  readonly isType: boolean
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.[jt]s$/.test(path) && !path.startsWith('generated'))
  .map((path) => ({ path, text: readFileSync(join(SRC, path), 'utf8') }))

const folderOf = (path: string) => (path.includes('/') ? (path.split('/')[0] ?? '.') : '.')

function importsOf({ path, text }: { path: string; text: string }): Import[] {
  return [
    ...text.matchAll(
      /^(?:import|export) (type )?[^'";]*?from '(\.[^']+)'|import\('(\.[^']+)'\)|^import '(\.[^']+)'/gm,
    ),
  ].map((match) => ({
    target: relative(SRC, resolve(SRC, dirname(path), match[2] ?? match[3] ?? match[4] ?? '')),
    isType: match[1] !== undefined,
  }))
}

it('imports point downward only', () => {
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter(({ isType }) => !isType)
      .filter(({ target }) => {
        const [from, to] = [folderOf(file.path), folderOf(target)]
        return from !== to && !(MAY_IMPORT[from] ?? []).includes(to)
      })
      .map(
        ({ target }) =>
          `src/${file.path} imports ${target}; ${folderOf(file.path)}/ may import from: ${(MAY_IMPORT[folderOf(file.path)] ?? []).join(', ')}`,
      ),
  )
  expect(wrong).toEqual([])
})

it('nothing imports itself, by whatever way round', () => {
  const edges = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter(({ isType }) => !isType)
        .map(({ target }) => target),
    ]),
  )
  const cycles: string[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
    else if (!done.has(path)) {
      for (const next of edges.get(path) ?? []) visit(next, [...trail, path])
      done.add(path)
    }
  }
  for (const path of edges.keys()) visit(path, [])
  expect(cycles).toEqual([])
})

it.each(OWNERS)('%s: in one place only', (_, pattern, owner) => {
  const code = (text: string) => text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const found = files.filter(({ path, text }) => !owner.test(path) && pattern.test(code(text)))
  expect(found.map(({ path }) => `src/${path} holds what only ${owner.source} may`)).toEqual([])
})

it('no file is longer than 400 lines', () => {
  expect(files.filter(({ text }) => text.split('\n').length > 400).map(({ path }) => path)).toEqual([])
})

it('no file is called by what it is not', () => {
  const vague = /(^|\/)(utils?|lib|helpers?|common|types|index)\.ts$/
  expect(files.filter(({ path }) => vague.test(path)).map(({ path }) => path)).toEqual([])
})
