import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import {
  type SqlMigrationAwareDriverAdapterFactory,
  bindMigrationAwareSqlAdapterFactory,
} from '@prisma/driver-adapter-utils'
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg'

let isLoaded = false

/** Prisma's schema engine as WebAssembly, which needs no download. */
function load(): void {
  if (isLoaded) return
  const folder = dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'))
  const module = new WebAssembly.Module(readFileSync(join(folder, 'schema_engine_bg.wasm')))
  const instance = new WebAssembly.Instance(module, {
    './schema_engine_bg.js': bindings as unknown as WebAssembly.ModuleImports,
  })
  bindings.__wbg_set_wasm(instance.exports)
  ;(instance.exports['__wbindgen_start'] as () => void)()
  isLoaded = true
}

async function withEngine<T>(
  schema: string,
  factory: SqlMigrationAwareDriverAdapterFactory,
  work: (engine: bindings.SchemaEngine) => Promise<T>,
): Promise<T> {
  load()
  const opened: { dispose(): Promise<unknown> }[] = []
  const bound = bindMigrationAwareSqlAdapterFactory(factory)
  const { provider, adapterName, errorRegistry, connectToShadowDb } = bound
  const connect: typeof bound.connect = async () => {
    const connection = await bound.connect()
    // The engine does not close what it opens.
    if (connection.ok) opened.push(connection.value)
    return connection
  }
  const engine = await bindings.SchemaEngine.new(
    { datamodels: [['schema.prisma', schema]] },
    () => undefined,
    { provider, adapterName, errorRegistry, connectToShadowDb, connect },
  )
  try {
    return await work(engine)
  } finally {
    engine.free()
    for (const connection of opened) await connection.dispose()
  }
}

const filters = { externalTables: [], externalEnums: [] }

/** The statements by which Prisma would make an empty database fit the models. */
export async function modelScript(
  schema: string,
  factory: SqlMigrationAwareDriverAdapterFactory,
): Promise<string> {
  return withEngine(schema, factory, async (engine) => {
    const { stdout } = await engine.diff({
      from: { tag: 'empty' },
      to: { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content: schema }] },
      script: true,
      exitCode: null,
      filters,
    })
    return stdout ?? ''
  })
}

/** What `prisma migrate deploy` would apply, and does, to a database. */
export async function prismaDeploy(
  provider: 'sqlite' | 'postgresql',
  schema: string,
  factory: SqlMigrationAwareDriverAdapterFactory,
  names: readonly string[],
): Promise<string[]> {
  const folder = new URL(`../../prisma/${provider}/migrations/`, import.meta.url)
  const read = (name: string) => readFileSync(new URL(name, folder), 'utf8')
  return withEngine(schema, factory, async (engine) => {
    const { appliedMigrationNames } = await engine.applyMigrations({
      filters,
      migrationsList: {
        baseDir: folder.pathname,
        lockfile: { path: 'migration_lock.toml', content: read('migration_lock.toml') },
        shadowDbInitScript: '',
        migrationDirectories: names.map((name) => ({
          path: name,
          migrationFile: {
            path: 'migration.sql',
            content: { tag: 'ok', value: read(`${name}/migration.sql`) },
          },
        })),
      },
    })
    return appliedMigrationNames
  })
}
