import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** connlog as it is built and shipped. */
export const connlogProgram = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

const environment = (databaseUrl) => ({
  ...process.env,
  DATABASE_URL: databaseUrl,
  NODE_ENV: 'production',
  LOG_LEVEL: 'warn',
})

/**
 * Runs one command of connlog.
 * @param {string} databaseUrl
 * @param {string[]} args
 * @param {Record<string, string>} settings more of them
 * @returns {Promise<string>} what it printed
 */
export async function connlog(databaseUrl, args, settings = {}) {
  if (!existsSync(connlogProgram)) throw new Error('connlog is not built: run `npm run build` first.')
  const { stdout } = await promisify(execFile)(process.execPath, [connlogProgram, ...args], {
    env: { ...environment(databaseUrl), ...settings },
  })
  return stdout.trim()
}

/** How connlog is set up to be measured: as in production, without a limit on requests. */
export const serveSettings = (databaseUrl, poolSize) => ({
  ...environment(databaseUrl),
  HOST: '127.0.0.1',
  PORT: '0',
  POOL_SIZE: String(poolSize),
  RATE_LIMIT_PER_MINUTE: '0',
  // A round at its start and no other: cleaning up is not what is measured here.
  CLEANUP_INTERVAL_SECONDS: '86400',
})
