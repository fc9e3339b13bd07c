// Makes one Prisma schema and one typed client per provider from models.prisma. Needs no network.
//   node prisma/generate.mjs           writes prisma/.build/<provider>.prisma and src/generated/<provider>/
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const require = createRequire(import.meta.url)

/** The full Prisma schema for a provider: its header and the models, as models.prisma explains on top. */
export function schemaFor(provider) {
  const models = readFileSync(here('models.prisma'), 'utf8')
    .replaceAll(new RegExp(`^( *)//${provider}: `, 'gm'), '$1')
    .replaceAll(/^ *\/\/(sqlite|postgresql): .*\n/gm, '')
  return `// Made from prisma/models.prisma by npm run generate.
generator client {
  provider = "prisma-client"
  output   = "../../src/generated/${provider}"
  compilerBuild = "small"
}

datasource db {
  provider = "${provider}"
}

${provider === 'sqlite' ? models.replaceAll(/ +@db\.\w+(\([^)]*\))?/g, '') : models}`
}

function generate(provider) {
  const schema = schemaFor(provider)
  const version = require('prisma/package.json').version
  const digest = createHash('sha256').update(`${version}\n${schema}`).digest('hex')
  const stamp = here(`.build/${provider}.sha256`)
  const client = here(`../src/generated/${provider}/client.ts`)
  if (existsSync(client) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  mkdirSync(here('.build'), { recursive: true })
  writeFileSync(here(`.build/${provider}.prisma`), schema)
  const cli = require.resolve('prisma/build/index.js')
  const run = spawnSync(process.execPath, [cli, 'generate', '--schema', here(`.build/${provider}.prisma`)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      // The CLI would fetch its schema engine even for `generate`, which has no use for it; any program will do.
      PRISMA_SCHEMA_ENGINE_BINARY: process.env.PRISMA_SCHEMA_ENGINE_BINARY ?? process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
  })
  if (run.status !== 0) {
    process.stderr.write(run.stderr)
    process.exit(run.status ?? 1)
  }
  writeFileSync(stamp, digest)
}

if (process.argv[1] === here('generate.mjs'))
  for (const provider of ['sqlite', 'postgresql']) generate(provider)
