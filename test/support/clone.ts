import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { onTestFinished } from 'vitest'

export const ROOT = resolve(import.meta.dirname, '../..')

/** Made by what is run in a clone, and not part of it. */
const MADE =
  /^(\.git|dist|data|node_modules|src\/generated|prisma\/\.build)$|^(bench|examples|test)\/.*node_modules$/

export interface CloneOptions {
  /** Whether it is built already. */
  readonly isBuilt?: boolean
  /** Names of packages that are not installed in it. */
  readonly without?: readonly string[]
}

/**
 * A copy of this repository with its packages installed; those are not copied.
 * @param undo is given what deletes it; unless said otherwise that is done after the test
 */
export function createClone(
  { isBuilt = false, without = [] }: CloneOptions = {},
  undo: (remove: () => void) => void = onTestFinished,
): string {
  const folder = mkdtempSync(join(tmpdir(), 'connlog-clone-'))
  undo(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(ROOT, folder, {
    recursive: true,
    filter: (path) => !MADE.test(relative(ROOT, path)) || (isBuilt && relative(ROOT, path) === 'dist'),
  })
  for (const name of packagesOf(join(ROOT, 'node_modules'))) {
    if (without.includes(name)) continue
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', name), link)
  }
  return folder
}

const packagesOf = (modules: string): string[] =>
  readdirSync(modules)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(modules, name)).map((own) => `${name}/${own}`) : [name],
    )
