// What a test of the page needs to be running: connlog as it was built, and the built page before it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const EXAMPLE = fileURLToPath(new URL('..', import.meta.url))
const CONNLOG = fileURLToPath(new URL('../../../dist/main.js', import.meta.url))
const VITE = fileURLToPath(new URL('../node_modules/vite/bin/vite.js', import.meta.url))

/**
 * @typedef {object} Running
 * @property {string} url what it printed of where it listens
 * @property {string} printed all that it had printed by then
 * @property {(signal?: NodeJS.Signals) => Promise<void>} stop resolves once it is gone
 */

/** @type {(args: string[], env: Record<string, string>, ready: RegExp) => Promise<Running>} */
async function start(args, env, ready) {
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, args, { cwd: EXAMPLE, env: { PATH, NO_COLOR: '1', ...env } })
  const gone = once(child, 'close')
  let printed = ''
  const take = (/** @type {Buffer} */ chunk) => void (printed += chunk.toString())
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  for (;;) {
    const url = ready.exec(printed)?.[1]
    if (url !== undefined)
      return {
        url,
        printed,
        stop: async (signal = 'SIGTERM') => {
          child.kill(signal)
          await gone
        },
      }
    const more = await Promise.race([once(child.stdout, 'data'), gone.then(() => undefined)])
    if (more === undefined) throw new Error(`It ended: ${printed}`)
  }
}

/** `connlog serve`. @param {Record<string, string>} env */
export const startConnlog = (env) => start([CONNLOG, 'serve'], { PORT: '0', ...env }, /listens on (http:\S+)/)

/** `connlog serve` on a fresh database, with its made-up logs. Its `url` ends with the key: `…#key=clk_…`. @param {string} databaseUrl */
export const startDemo = (databaseUrl) =>
  start(
    [CONNLOG, 'serve'],
    { PORT: '0', DATABASE_URL: databaseUrl, LOG_LEVEL: 'error' },
    /GraphiQL: (http:\S+#key=\S+)/,
  )

/** `vite preview` of what `npm run build` has made. @param {string} connlogUrl */
export const startPreview = (connlogUrl) =>
  start([VITE, 'preview', '--port', '0'], { CONNLOG_URL: connlogUrl }, /Local:\s+(http:\/\/[^/\s]+)/)

/** A key, as `connlog keys create` prints it. @type {(args: string[], env: Record<string, string>) => Promise<string>} */
export async function createKey(args, env) {
  const { url: key, stop } = await start([CONNLOG, 'keys', 'create', ...args], env, /(clk_\S+)/)
  await stop().catch(() => undefined)
  return key
}
