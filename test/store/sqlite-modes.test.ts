import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openSqliteConnections } from '../../src/database/sqlite/connections.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { SCRATCH } from '../support/scratch.ts'

let folder: string
let umask: number

beforeEach(async () => {
  folder = await mkdtemp(join(SCRATCH, 'modes-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

it('makes a database that no other user of the machine can read, with the files beside it', async () => {
  umask = process.umask(0o022)
  try {
    const path = join(folder, 'data', 'inner', 'connlog.db')
    const connections = await openSqliteConnections({ path, clock: systemClock })
    await connections.script('CREATE TABLE t (a); INSERT INTO t VALUES (1)')
    const files = await readdir(join(folder, 'data', 'inner'))
    expect(files.sort()).toEqual(['connlog.db', 'connlog.db-shm', 'connlog.db-wal'])
    for (const file of files) expect(await modeOf(join(folder, 'data', 'inner', file))).toBe('600')
    expect(await modeOf(join(folder, 'data'))).toBe('700')
    expect(await modeOf(join(folder, 'data', 'inner'))).toBe('700')
    await connections.close()
  } finally {
    process.umask(umask)
  }
})

it('leaves the modes of a file and a folder alone that are there', async () => {
  const path = join(folder, 'shared', 'connlog.db')
  await mkdir(join(folder, 'shared'))
  await chmod(join(folder, 'shared'), 0o755)
  await writeFile(path, '')
  await chmod(path, 0o640)
  const connections = await openSqliteConnections({ path, clock: systemClock })
  await connections.script('CREATE TABLE t (a)')
  expect(await modeOf(path)).toBe('640')
  expect(await modeOf(`${path}-wal`)).toBe('640')
  expect(await modeOf(join(folder, 'shared'))).toBe('755')
  await connections.close()
})
