import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { ROOT, install, outcome, output } from './installed.ts'

const CONSUMER = join(import.meta.dirname, 'consumer')
const EXPECTATION = /^ *\/\/ @ts-expect-error -- `(.*)`: .*$/

const COMPILERS = [
  ['TypeScript 5.9', join(ROOT, 'test/packaging/tools/node_modules/typescript/bin/tsc'), '5.9.'],
  ['TypeScript 7', join(ROOT, 'node_modules/typescript/bin/tsc'), '7.'],
] as const

/** Without and with the types of browsers, which have a `Request` of their own. */
const RESOLUTIONS = [
  ['nodenext', { module: 'nodenext', lib: ['es2023'] }],
  ['bundler', { module: 'esnext', moduleResolution: 'bundler', lib: ['es2023', 'dom'] }],
] as const

let app: string
beforeAll(() => {
  app = install(inject('tarball'))
})
afterAll(() => rmSync(app, { recursive: true, force: true }))

/** Compiles a program beside the installed package; libraries are checked as well. */
function compile(tsc: string, options: object, name: string, source: string) {
  const folder = join(app, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'program.ts'), source)
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'es2023',
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
        types: ['node'],
        ...options,
      },
      files: ['program.ts'],
    }),
  )
  return outcome(folder, process.execPath, tsc, '-p', '.', '--pretty', 'false')
}

describe.each(COMPILERS)('the installed types, as %s has them', (compiler, tsc, version) => {
  it('are compiled by it', () => {
    expect(output(app, {}, process.execPath, tsc, '--version')).toContain(`Version ${version}`)
  })

  it.each(RESOLUTIONS)('let pass what docs/library.md shows, under %s', (resolution, options) => {
    const source = readFileSync(join(CONSUMER, 'use.ts'), 'utf8')
    expect(compile(tsc, options, `${compiler} ${resolution}`, source)).toEqual({ code: 0, text: '' })
  })

  it('refuse each misuse for what it names', () => {
    const lines = readFileSync(join(CONSUMER, 'misuse.ts'), 'utf8').split('\n')
    const expected = lines.flatMap((line, index) => {
      const named = EXPECTATION.exec(line)?.[1]
      return named === undefined ? [] : [{ line: index + 2, named }]
    })
    expect(expected).toHaveLength(12)
    const bare = lines.map((line) => (EXPECTATION.test(line) ? '' : line)).join('\n')
    const { text } = compile(tsc, RESOLUTIONS[0][1], `${compiler} misuse`, bare)
    const complaints = text.split(/^(?=\S)/m).map((one) => ({
      line: Number(/^program\.ts\((\d+),/.exec(one)?.[1]),
      text: one,
    }))
    expect(complaints.map(({ line }) => line)).toEqual(expected.map(({ line }) => line))
    for (const [index, { named }] of expected.entries()) expect(complaints[index]?.text).toContain(named)
  })
})

describe('the declarations', () => {
  const home = () => join(app, 'node_modules/connlog/dist')

  it('that are shipped are those that connlog.d.ts reaches, which reach nothing but Node', () => {
    const reached = new Map<string, string[]>()
    const follow = (path: string): void => {
      if (reached.has(path)) return
      const text = readFileSync(path, 'utf8')
      const named = [...text.matchAll(/(?:from |import\()["']([^"']+)["']/g)].map(([, name = '']) => name)
      reached.set(
        path,
        named.filter((name) => !name.startsWith('.')),
      )
      for (const name of named.filter((each) => each.startsWith('.')))
        follow(resolve(dirname(path), name.replace(/\.ts$/, '.d.ts')))
    }
    follow(join(home(), 'connlog.d.ts'))
    expect([...new Set([...reached.values()].flat())]).toEqual(['node:http'])
    const shipped = output(home(), {}, 'find', '.', '-name', '*.d.ts').trim().split('\n').sort()
    expect(
      shipped,
      'list in `files` of package.json the declarations that dist/connlog.d.ts reaches, and no others',
    ).toEqual([...reached.keys()].map((path) => `./${relative(home(), path)}`).sort())
  })

  it('export nothing that the consumer of these tests does not use', () => {
    const text = readFileSync(join(home(), 'connlog.d.ts'), 'utf8')
    const listed = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = '']) =>
      names.split(',').map((name) => name.trim().replace(/^type /, '')),
    )
    const declared = [
      ...text.matchAll(/^export (?:declare )?(?:function|interface|type|const|class) (\w+)/gm),
    ]
    const exported = [...listed, ...declared.map(([, name = '']) => name)].sort()
    const use = readFileSync(join(CONSUMER, 'use.ts'), 'utf8')
    const imported = /import \{([^}]*)\} from 'connlog'/.exec(use)?.[1] ?? ''
    const used = imported.split(',').map((name) => name.trim().replace(/^type /, ''))
    expect(used.filter((name) => name !== '').sort()).toEqual(exported)
  })
})
