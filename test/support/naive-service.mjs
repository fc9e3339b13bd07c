import { createServer } from 'node:http'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { DatabaseSync } from '@photostructure/sqlite'

/**
 * What connlog would be if it took ingest lightly: a service that stores what it is sent, and breaks one promise.
 * The tests of faults have to find out which. `FLAW` is one of
 *  - `early`: acknowledges first and commits later, many at a time
 *  - `forgetful`: commits before it acknowledges, which takes a moment, but remembers no event ids
 *  - `piecemeal`: commits a batch event by event
 */
/** @typedef {{ userId?: string, accountId: string, durationMs: number }} Log */

const { DATABASE_FILE = '', FLAW } = process.env
const db = new DatabaseSync(DATABASE_FILE)
db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
db.exec(
  'CREATE TABLE IF NOT EXISTS connection_logs (user_id, account_id, duration_ms, id INTEGER PRIMARY KEY)',
)
const isKnown = db.prepare('SELECT 1 FROM connection_logs WHERE user_id = ? AND account_id = ?')
const insert = db.prepare('INSERT INTO connection_logs (user_id, account_id, duration_ms) VALUES (?, ?, ?)')

/** @param {Log} log */
function store({ userId = '', accountId, durationMs }) {
  if (FLAW === 'forgetful' || !isKnown.get(userId, accountId)) insert.run(userId, accountId, durationMs)
}

/** @param {Log[]} logs */
function storeTogether(logs) {
  db.exec('BEGIN IMMEDIATE')
  for (const log of logs) store(log)
  db.exec('COMMIT')
}

/** @type {Log[]} */
const waiting = []
if (FLAW === 'early') setInterval(() => storeTogether(waiting.splice(0)), 50)

/** @param {Log[]} logs */
async function take(logs) {
  if (FLAW === 'early') waiting.push(...logs)
  else if (FLAW === 'forgetful') {
    storeTogether(logs)
    await setTimeout(20)
  } else
    for (const log of logs) {
      store(log)
      await setImmediate()
    }
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
async function answer(request, response) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const body = JSON.parse(Buffer.concat(chunks).toString())
  await take(Array.isArray(body) ? body : [body])
  response.end('{}')
}

const server = createServer((request, response) => void answer(request, response))
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address && typeof address === 'object') process.stdout.write(`listens on ${address.port}\n`)
})
