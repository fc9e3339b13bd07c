import { readFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import pg from 'pg'
import { postgresSettings } from './postgres.mjs'

/**
 * What the figures depend on beside the code: machine, versions, settings.
 * @param {string | undefined} databaseUrl of the Postgres, if there was one
 */
export async function describeMachine(databaseUrl) {
  const manifest = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
  const { dependencies, optionalDependencies } = manifest('../package.json')
  return {
    cpu: cpus()[0].model,
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    ...(databaseUrl ? { postgres: await versionOf(databaseUrl), postgresSettings: postgresSettings() } : {}),
    connlog: manifest('../../package.json').version,
    packages: { ...dependencies, ...optionalDependencies },
  }
}

async function versionOf(databaseUrl) {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query('SHOW server_version')
  await client.end()
  return rows[0].server_version
}
