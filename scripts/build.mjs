// Builds dist from src, unless dist was built from these very files. A host may remove devDependencies after the build and
// run `npm start`: then there is nothing to build, and nothing that could.
//   node scripts/build.mjs
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Not packed: `files` of package.json names what is. */
const stamp = join(root, 'dist/.built-from')

/** devDependencies that the build cannot do without. */
const TOOLS = ['typescript', 'prisma', '@types/node', '@types/pg', '@opentelemetry/sdk-node']

/** What dist depends on. Clients are generated from the models, so they are left out. */
function digest() {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.([jt]s|json)$/.test(path) && !path.startsWith('generated'))
    .map((path) => join('src', path))
    .sort()
  const hash = createHash('sha256')
  for (const path of [...sources, 'tsconfig.json', 'prisma/models.prisma', 'prisma/generate.mjs'])
    hash
      .update(`${path}\n`)
      .update(readFileSync(join(root, path)))
      .update('\0')
  hash.update(JSON.stringify([manifest.dependencies, manifest.devDependencies]))
  return hash.digest('hex')
}

const isInstalled = (name) => require.resolve.paths(name).some((path) => existsSync(join(path, name)))

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

const current = digest()
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== current) {
  const missing = TOOLS.filter((name) => !isInstalled(name))
  if (missing.length > 0) {
    process.stderr.write(
      `connlog is not built from these files, and what builds it is not installed: ${missing.join(', ')}. Run \`npm ci && npm run build\` before devDependencies are removed.\n`,
    )
    process.exit(1)
  }
  run('prisma/generate.mjs')
  run(join(root, 'node_modules/typescript/bin/tsc'), '-p', 'src')
  chmodSync(join(root, 'dist/main.js'), 0o755)
  writeFileSync(stamp, current)
}
