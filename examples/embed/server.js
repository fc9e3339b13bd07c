import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { createConnlog, createNodeListener } from 'connlog'

/**
 * What the product keeps of an attempt to connect an account until the platform sends the user back.
 * @typedef {{ platform: 'instagram' | 'tiktok', userId: string, profileId: string, begunAt: number }} Attempt
 */

const { DATABASE_URL = 'file:./data/connlog.db', PORT = '3000' } = process.env

const connlog = createConnlog({ databaseUrl: DATABASE_URL })
await connlog.start()

const CONNLOG_PATHS = new Set(['/graphql', '/api/v1/connections/logs'])
const answerByConnlog = createNodeListener(connlog.fetch)

/** @type {Map<string, Attempt>} */
const attempts = new Map()

const server = createServer((request, response) => {
  // Not by `new URL`, which throws for some of what strangers send, such as `//[`.
  const [path = '', query] = (request.url ?? '').split('?', 2)
  if (CONNLOG_PATHS.has(path)) {
    void answerByConnlog(request, response)
    return
  }
  answer(path, new URLSearchParams(query)).then(
    ({ status, text, headers }) =>
      response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(text),
    (error) => {
      console.error(error)
      response.writeHead(500).end()
    },
  )
})

/**
 * The product itself.
 * @param {string} path
 * @param {URLSearchParams} parameters
 * @returns {Promise<{ status: number, text: string, headers?: Record<string, string> }>}
 */
async function answer(path, parameters) {
  if (path === '/') return { status: 200, text: 'The product' }
  if (path === '/connect/instagram') return sendToConsent('instagram')
  if (path === '/connect/tiktok') return sendToConsent('tiktok')
  if (path === '/oauth/callback') return endAttempt(parameters)
  return { status: 404, text: 'Not found' }
}

/** @param {Attempt['platform']} platform */
function sendToConsent(platform) {
  const state = randomUUID()
  // In earnest, the session of the request says which user and profile these are.
  attempts.set(state, { platform, userId: 'user-1', profileId: 'profile-1', begunAt: Date.now() })
  return { status: 302, text: '', headers: { location: `https://${platform}.test/consent?state=${state}` } }
}

/**
 * The platform has sent the user back: whatever became of the attempt is recorded.
 * @param {URLSearchParams} parameters
 */
async function endAttempt(parameters) {
  const state = parameters.get('state') ?? ''
  const attempt = attempts.get(state)
  if (!attempt) return { status: 400, text: 'This attempt to connect an account is not known, or over.' }
  attempts.delete(state)

  const { begunAt, ...known } = attempt
  const durationMs = Date.now() - begunAt
  const event = { ...known, eventId: state, connectionMethod: /** @type {const} */ ('oauth'), durationMs }
  const reason = parameters.get('error')
  if (reason) {
    const error = { code: 'oauth_denied', message: parameters.get('error_description') ?? reason }
    await record({ ...event, eventType: 'connect_failed', error })
    return { status: 200, text: 'Not connected' }
  }
  const { accountId, username } = await fetchAccount(parameters.get('code') ?? '')
  await record({ ...event, eventType: 'connect_success', accountId, success: { username } })
  return { status: 200, text: `Connected @${username}` }
}

/**
 * Stands for the product's exchange of the code for a token, and its question whose account that is.
 * @param {string} code
 */
async function fetchAccount(code) {
  return { accountId: `account-of-${code}`, username: 'ada' }
}

/**
 * A log that cannot be stored must not cost the user the connection.
 * @param {import('connlog').SentLog} event
 */
async function record(event) {
  await connlog.record(event).catch((error) => console.error('Not recorded:', error))
}

server.listen(Number(PORT), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`Listening on http://127.0.0.1:${port}`)
})

// What is under way is answered first, for 8 seconds at most; connlog ends last, when nobody can call it any more.
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    connlog.endStreams()
    server.close(() => void connlog.stop())
    setTimeout(() => server.closeAllConnections(), 8_000).unref()
  })
}
