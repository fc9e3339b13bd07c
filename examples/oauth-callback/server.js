import { createServer } from 'node:http'
import { record } from './record.js'

const { PORT = '3000' } = process.env

const server = createServer((request, response) => void answer(request, response))

/**
 * Never rejects.
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
async function answer(request, response) {
  // Not by `new URL`, which throws for some of what strangers send, such as `//[`.
  const [path, query] = (request.url ?? '').split('?', 2)
  const searchParams = new URLSearchParams(query)
  const eventId = searchParams.get('state')
  if (path !== '/oauth/callback' || eventId === null) {
    response.writeHead(404).end('Not found\n')
    return
  }
  const attempt = { eventId, platform: 'instagram' }
  try {
    const { accountId, username } = await askProvider(searchParams)
    response.end(`Connected @${username}\n`)
    // After the answer, so that nobody waits for it.
    void record({ ...attempt, eventType: 'connect_success', accountId, success: { username } })
  } catch (error) {
    response.end('Not connected\n')
    const message = error instanceof Error ? error.message : String(error)
    void record({ ...attempt, eventType: 'connect_failed', error: { code: 'oauth_denied', message } })
  }
}

/**
 * Stands for the provider: the exchange of the code for a token, and whose account that is. In earnest, `state` is
 * held against the session first.
 * @param {URLSearchParams} parameters
 */
async function askProvider(parameters) {
  const refusal = parameters.get('error')
  if (refusal !== null) throw new Error(refusal)
  return { accountId: `account-of-${parameters.get('code')}`, username: 'ada' }
}

server.listen(Number(PORT), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`Listening on http://127.0.0.1:${port}`)
})
