import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { HERE } from './run.ts'

/**
 * A temporary folder that finds the packages which stand in package.json here.
 * @param files by their paths; what is no text is written as JSON
 * @param atEnd takes what removes the folder; without it, it goes when the test is over
 */
export function createScratch(
  files: Record<string, string | object>,
  atEnd: (remove: () => void) => void = onTestFinished,
): string {
  const folder = mkdtempSync(join(tmpdir(), 'connlog-clients-'))
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(join(HERE, 'node_modules'), join(folder, 'node_modules'))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return folder
}
