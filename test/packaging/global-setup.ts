import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { ROOT, output } from './installed.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** What npm would publish: the path of the packed file. */
    tarball: string
  }
}

/** Packs once for all tests: two at a time would build into the same folder. */
export function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'connlog-packed-'))
  // What the build of another commit has left behind.
  writeFileSync(join(ROOT, 'dist/gone.js'), 'export {}\n')
  const name = output(ROOT, {}, 'npm', 'pack', '--silent', '--pack-destination', folder).trim()
  project.provide('tarball', join(folder, name))
  return () => rmSync(folder, { recursive: true, force: true })
}
