import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { pipeline } from 'node:stream/promises'

const { CONNLOG_URL = 'http://127.0.0.1:4000', CONNLOG_KEY = '', PORT = '3000' } = process.env
if (CONNLOG_KEY === '') {
  console.error('Set CONNLOG_KEY to a key with the scope logs:read.')
  process.exit(1)
}
const GRAPHQL = new URL('/graphql', CONNLOG_URL)

/** What the page sends is far smaller. */
const MAX_BODY_BYTES = 16_384

/** @param {string} name */
const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8')

const page = read('index.html')
const files = new Map([
  ['/', { type: 'text/html; charset=utf-8', text: page }],
  ['/live.js', { type: 'text/javascript; charset=utf-8', text: read('live.js') }],
])

const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? ''

/** The one script, the one style, this server, and nothing that makes HTML of text. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** Headers of connlog's answers that the page needs. The last keeps nginx from collecting what should arrive now. */
const PASSED_BACK = ['content-type', 'retry-after', 'x-accel-buffering']

/** @typedef {import('node:http').ServerResponse} ServerResponse */

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    if (!response.destroyed) console.error(error)
    response.destroy()
  })
})

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {ServerResponse} response
 */
async function answer(request, response) {
  // A name that somebody else pointed at this address must not read logs with our key.
  if (!isOurs(request.headers.host)) return refuse(response, 421, 'This server has another name.')
  const path = request.url?.split('?', 1)[0] ?? ''
  if (path === '/graphql') {
    if (request.method !== 'POST') return refuse(response, 405, 'Expected POST.', { allow: 'POST' })
    return passOn(request, response)
  }
  const file = files.get(path)
  if (!file) return refuse(response, 404, 'Not found.')
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refuse(response, 405, 'Expected GET.', { allow: 'GET, HEAD' })
  response.writeHead(200, { ...HEADERS, 'content-type': file.type }).end(file.text)
}

/**
 * Sends a request to connlog with the key, and its answer back as it comes, however long that goes on.
 * @param {import('node:http').IncomingMessage} request
 * @param {ServerResponse} response
 */
async function passOn(request, response) {
  const { 'content-type': contentType = '', accept = '*/*' } = request.headers
  const body = await bodyOf(request)
  if (body === undefined) return refuse(response, 413, `Expected at most ${MAX_BODY_BYTES} bytes.`)

  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const headers = { authorization: `Bearer ${CONNLOG_KEY}`, 'content-type': contentType, accept }
  const answer = await fetch(GRAPHQL, {
    method: 'POST',
    headers,
    body,
    redirect: 'error',
    signal: gone.signal,
  }).catch(() => undefined)
  if (!answer) return refuse(response, 503, 'connlog does not answer.')

  const passed = PASSED_BACK.flatMap((name) => {
    const value = answer.headers.get(name)
    return value === null ? [] : [[name, value]]
  })
  response.writeHead(answer.status, { ...HEADERS, ...Object.fromEntries(passed) })
  if (!answer.body) return response.end()
  // Whichever side breaks off ends the other.
  await pipeline(answer.body, response).catch(() => response.destroy())
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @returns {Promise<string | undefined>} undefined if it is too long
 */
async function bodyOf(request) {
  const chunks = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/**
 * @param {ServerResponse} response
 * @param {number} status
 * @param {string} message
 * @param {Record<string, string>} [headers]
 */
function refuse(response, status, message, headers = {}) {
  response
    .writeHead(status, { ...HEADERS, 'content-type': 'application/json', ...headers })
    .end(JSON.stringify({ errors: [{ message }] }))
}

/** @returns {number} */
const port = () => /** @type {import('node:net').AddressInfo} */ (server.address()).port

/** @param {string | undefined} host */
const isOurs = (host) => host === `127.0.0.1:${port()}` || host === `localhost:${port()}`

server.listen(Number(PORT), '127.0.0.1', () => console.log(`Listening on http://127.0.0.1:${port()}`))

// Pages come back by themselves, so nobody has to wait for streams that would never end.
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    server.close()
    server.closeAllConnections()
  })
}
