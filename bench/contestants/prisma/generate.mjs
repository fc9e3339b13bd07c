// Makes the client of schema.prisma, once.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

export function generatePrismaClient() {
  const [schema, client] = [here('schema.prisma'), here('client/index.js')]
  if (existsSync(client) && statSync(client).mtimeMs > statSync(schema).mtimeMs) return
  const cli = createRequire(import.meta.url).resolve('prisma/build/index.js')
  const run = spawnSync(process.execPath, [cli, 'generate', '--schema', schema], {
    encoding: 'utf8',
    // The CLI would fetch its schema engine even for `generate`, which has no use for it; any program will do.
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
  })
  if (run.status !== 0) throw new Error(`Prisma could not make its client:\n${run.stderr}`)
}
