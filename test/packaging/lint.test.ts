import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { ROOT, outcome, output } from './installed.ts'

const TOOLS = join(ROOT, 'test/packaging/tools/node_modules/.bin')

interface Manifest {
  type?: string
  exports: { '.': { types: string } }
}

const publint = (tarball: string) =>
  outcome(ROOT, join(TOOLS, 'publint'), tarball, '--strict', '--level', 'suggestion')

const ATTW_OPTIONS =
  '--profile esm-only --exclude-entrypoints ./schema.graphql --no-definitely-typed --format ascii --no-color --no-emoji'

/**
 * connlog is an ES module alone, which is what `esm-only` is for: it leaves out TypeScript's old resolution, which knows
 * no `exports`, and `require` under the rules of before Node could require ES modules. The schema is text and has no types.
 */
const attw = (tarball: string) => outcome(ROOT, join(TOOLS, 'attw'), tarball, ...ATTW_OPTIONS.split(' '))

describe('what npm would publish', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'connlog-broken-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** The same package, spoiled. */
  function broken(name: string, spoil: (unpacked: string) => void): string {
    const place = join(folder, name)
    mkdirSync(place)
    output(place, {}, 'tar', 'xzf', inject('tarball'))
    spoil(join(place, 'package'))
    output(place, {}, 'tar', 'czf', 'package.tgz', 'package')
    return join(place, 'package.tgz')
  }

  const withManifest = (change: (manifest: Manifest) => void) => (unpacked: string) => {
    const path = join(unpacked, 'package.json')
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest
    change(manifest)
    writeFileSync(path, JSON.stringify(manifest))
  }

  it('has nothing that publint would suggest', () => {
    const { code, text } = publint(inject('tarball'))
    expect([code, text.trim().split('\n').at(-1)]).toEqual([0, 'All good!'])
  })

  it.each([
    [
      'types that are not there',
      withManifest(({ exports }) => void (exports['.'].types = './dist/none.d.ts')),
      './dist/none.d.ts but the file does not exist',
    ],
    [
      'an ES module that calls itself CommonJS',
      withManifest((manifest) => void (manifest.type = 'commonjs')),
      'is written in ESM, but is interpreted as CJS',
    ],
  ])('publint refuses %s', (name, spoil, complaint) => {
    const { code, text } = publint(broken(`publint, ${name}`, spoil))
    expect(code).toBe(1)
    expect(text).toContain(complaint)
  })

  it('has types that arethetypeswrong finds right', () => {
    const { code, text } = attw(inject('tarball'))
    expect(text).toContain('node16 (from ESM): OK (ESM)\nbundler: OK')
    expect(code).toBe(0)
  })

  it.each([
    [
      'types that are not there',
      (unpacked: string) => rmSync(join(unpacked, 'dist/connlog.d.ts')),
      'No types',
    ],
    [
      'an ES module that calls itself CommonJS',
      withManifest((manifest) => void (manifest.type = 'commonjs')),
      'Unexpected module syntax',
    ],
  ])('arethetypeswrong refuses %s', (name, spoil, complaint) => {
    const { code, text } = attw(broken(`attw, ${name}`, spoil))
    expect(code).toBe(1)
    expect(text).toContain(complaint)
  })

  it('has a package.json that `npm pkg fix` leaves as it is', () => {
    const place = join(folder, 'fix')
    mkdirSync(place)
    output(place, {}, 'tar', 'xzf', inject('tarball'))
    const unpacked = join(place, 'package')
    expect(outcome(unpacked, 'npm', 'pkg', 'fix')).toEqual({ code: 0, text: '' })
    const read = (path: string) => readFileSync(path, 'utf8')
    expect(read(join(unpacked, 'package.json'))).toBe(read(join(ROOT, 'package.json')))

    // The control: what it mended here before.
    copyFileSync(join(unpacked, 'package.json'), join(place, 'package.json'))
    const spoiled = read(join(place, 'package.json')).replace('"dist/main.js"', '"./dist/main.js"')
    writeFileSync(join(unpacked, 'package.json'), spoiled)
    outcome(unpacked, 'npm', 'pkg', 'fix')
    expect(read(join(unpacked, 'package.json'))).toBe(read(join(place, 'package.json')))
  })
})
