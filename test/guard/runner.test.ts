import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

it('a run in which a test fails ends with an exit code other than 0, Postgres and all', async () => {
  const config = path('../support/failing/vitest.config.ts')
  const args = [path('../../node_modules/vitest/vitest.mjs'), 'run', '--config', config]
  const run = promisify(execFile)(process.execPath, args, {
    cwd: path('../..'),
    env: { PATH: process.env['PATH'] },
  })
  const { code, stdout } = await run.then(
    (result) => ({ code: 0, ...result }),
    (error: { code: number; stdout: string }) => error,
  )
  expect(stdout).toContain('1 failed')
  expect(code).toBe(1)
})
