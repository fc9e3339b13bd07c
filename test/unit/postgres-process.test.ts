import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { installedBinaries, reachableBinaries, serverUser } from '../support/postgres-process.mjs'
import { undoneAfterEach } from '../support/undo.ts'

const isRoot = process.getuid?.() === 0

describe.skipIf(!isRoot)('as root, who runs Postgres as another user', () => {
  const undo = undoneAfterEach()

  test('Postgres runs from a copy if its package lies in a folder that only root can enter', async () => {
    const closed = mkdtempSync(join(tmpdir(), 'connlog-closed-'))
    undo(() => rmSync(closed, { recursive: true, force: true }))
    chmodSync(closed, 0o700)
    cpSync(dirname(await installedBinaries()), join(closed, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
    })
    const bin = join(closed, 'native', 'bin')
    const user = serverUser()
    const version = (folder: string) =>
      execFileSync(join(folder, 'initdb'), ['--version'], { ...user, cwd: '/', encoding: 'utf8' })

    expect(() => version(bin), 'control: the package itself cannot be run').toThrow('EACCES')
    const reachable = await reachableBinaries(bin, user)
    undo(() => rmSync(dirname(dirname(reachable.bin)), { recursive: true, force: true }))
    expect(version(reachable.bin)).toBe('initdb (PostgreSQL) 18.4\n')
  })

  test('Postgres runs from its package if its user can enter the folder', async () => {
    const installed = await installedBinaries()
    const copy = mkdtempSync(join(tmpdir(), 'connlog-open-'))
    undo(() => rmSync(copy, { recursive: true, force: true }))
    chmodSync(copy, 0o755)
    cpSync(dirname(installed), join(copy, 'native'), { recursive: true, verbatimSymlinks: true })
    const bin = join(copy, 'native', 'bin')
    expect(await reachableBinaries(bin, serverUser())).toEqual({ bin, user: serverUser() })
  })
})
