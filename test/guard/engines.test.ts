import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { outcome } from '../packaging/installed.ts'

const ROOT = resolve(import.meta.dirname, '../..')

interface Lock {
  readonly packages: Record<string, { engines?: { node?: string } }>
}

/** What `npm ci` says of the packages in package-lock.json, without installing them or asking the registry. */
function install(change: (lock: Lock) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'connlog-lock-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['package.json', '.npmrc']) copyFileSync(join(ROOT, name), join(folder, name))
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock
  change(lock)
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock))
  return outcome(folder, 'npm', 'ci', '--dry-run', '--offline').text
}

it('npm ci warns of no package that asks for another Node than this one', () => {
  const said = install(() => undefined)
  expect(said).toMatch(/added \d+ packages/)
  expect(said).not.toContain('EBADENGINE')
  const control = install(
    ({ packages }) => void (packages['node_modules/graphql']!.engines = { node: '>=99' }),
  )
  expect(control).toContain('EBADENGINE')
})
