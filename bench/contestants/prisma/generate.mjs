import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

let isGenerated = false

/** Makes the client of schema.prisma, and what Pothos has to know of it, once in a run. */
export function generatePrismaClient() {
  if (isGenerated) return
  const cli = createRequire(import.meta.url).resolve('prisma/build/index.js')
  const run = spawnSync(process.execPath, [cli, 'generate', '--schema', here('schema.prisma')], {
    encoding: 'utf8',
    // The CLI would fetch its schema engine even for `generate`, which has no use for it; any program will do.
    env: {
      ...process.env,
      // Where the generator of Pothos is found.
      PATH: `${here('../../node_modules/.bin')}:${process.env.PATH}`,
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
  })
  if (run.status !== 0) throw new Error(`Prisma could not make its client:\n${run.stderr}`)
  isGenerated = true
}
