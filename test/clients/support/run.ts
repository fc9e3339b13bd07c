import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

export const HERE = fileURLToPath(new URL('..', import.meta.url))
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

export interface Ended {
  readonly code: number
  /** Without colours. */
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end, however that is, with no settings but these. */
export const run = (
  file: string,
  args: readonly string[],
  { cwd = HERE, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Ended> =>
  new Promise((resolve) => {
    const options = { cwd, env: { PATH: process.env['PATH'], ...env } }
    execFile(file, args, options, (error, stdout, stderr) =>
      resolve({
        code: error === null ? 0 : Number(error.code ?? 1),
        stdout: stripVTControlCharacters(stdout),
        stderr: stripVTControlCharacters(stderr),
      }),
    )
  })

/** A program of the packages that stand in package.json here. */
export const runTool = (name: string, args: readonly string[], options?: Parameters<typeof run>[2]) =>
  run(`${HERE}node_modules/.bin/${name}`, args, options)
