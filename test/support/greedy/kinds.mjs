// @ts-check
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * @typedef {object} Attack
 * @property {import('./client.mjs').Client} client
 * @property {import('./ground.ts').GreedyUser} user
 * @property {AbortSignal} signal
 */

/**
 * One way in which a single user asks for too much. It goes on until the signal is aborted. Every request in it is one that
 * a user can send.
 * @typedef {{ name: string, run(attack: Attack): Promise<void> }} GreedyKind
 */

/** Rejects nothing: when the time is over, it returns early. @param {number} ms @param {AbortSignal} [signal] */
const pause = (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined)

/** @param {number} count @param {(index: number) => string} make */
const many = (count, make) => Array.from({ length: count }, (_, index) => make(index))

/**
 * Sends again and again, with so many requests at a time.
 * @param {Attack} attack
 * @param {number} atATime
 * @param {(turn: number) => Promise<unknown>} send
 */
async function again({ signal }, atATime, send) {
  let turn = 0
  await Promise.all(
    many(atATime, String).map(async () => {
      while (!signal.aborted) {
        await send(turn++)
        // A request that was refused at once must not keep the process of the attacker busy.
        await pause(5, signal)
      }
    }),
  )
}

/** @param {AbortSignal} signal @returns {Promise<void>} */
const whileOpen = (signal) =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** @param {number} fan @param {number} depth @param {string} leaf */
const tree = (fan, depth, leaf) =>
  `query{${'...f1 '.repeat(fan)}} ${many(depth, (n) => `fragment f${n + 1} on Query{${n + 1 === depth ? leaf : `...f${n + 2} `.repeat(fan)}}`).join(' ')}`

/**
 * @param {string} name
 * @param {number} atATime
 * @param {(turn: number) => string} documentOf
 * @param {object} [variables]
 * @returns {GreedyKind}
 */
const query = (name, atATime, documentOf, variables) => ({
  name,
  run: (attack) =>
    again(attack, atATime, (turn) => attack.client.graphql(attack.user.read, documentOf(turn), variables)),
})

const MANY_VALUES = {
  f: {
    accountId: many(100, (n) => `account-${n}`),
    profileId: many(100, (n) => `profile-${n}`),
    errorCode: many(100, (n) => `code_${n}`),
  },
}
const CODES = `[${many(40, (n) => `"code_${n}"`).join(',')}]`
/** @param {number} count @param {string} field */
const aliased = (count, field) => many(count, (n) => `a${n}: ${field}`).join(' ')

/** @param {string} path @param {string} key @param {string} contentType @param {number | 'chunked'} length */
const head = (path, key, contentType, length) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\nContent-Type: ${contentType}\r\n${
    length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`
  }\r\n\r\n`

/**
 * Keeps so many sockets open on which a body never ends, and opens another for each that is closed.
 * @param {string} name
 * @param {number} count
 * @param {string} path
 * @param {string} contentType
 * @param {number | 'chunked'} length
 * @returns {GreedyKind}
 */
const silent = (name, count, path, contentType, length) => ({
  name,
  run: async ({ client, user, signal }) => {
    const begin = length === 'chunked' ? '1\r\n{\r\n' : '{'
    const open = () => {
      if (signal.aborted) return
      client
        .socket(head(path, user.admin, contentType, length) + begin)
        .on('close', () => setTimeout(open, 50))
        .resume()
    }
    many(count, String).forEach(open)
    await whileOpen(signal)
  },
})

const SELECTED = aliased(40, 'log { error { message rawResponse } metadata }')

/**
 * Many streams of one user, and logs that all of them receive.
 * @param {string} name
 * @param {(turn: number) => string} subscription
 * @param {boolean} isRead
 * @returns {GreedyKind}
 */
const streams = (name, subscription, isRead) => ({
  name,
  run: async (attack) => {
    const { client, user, signal } = attack
    await Promise.all(many(100, String).map((_, n) => client.subscribe(user.read, subscription(n), isRead)))
    const log = {
      platform: 'tiktok',
      eventType: 'connect_failed',
      connectionMethod: 'oauth',
      error: { code: 'c', message: 'lorem ipsum '.repeat(300) },
    }
    const body = JSON.stringify(many(20, String).map(() => log))
    while (!signal.aborted) {
      await client.send('/api/v1/connections/logs', { method: 'POST', key: user.write, body })
      await pause(100, signal)
    }
  },
})

/**
 * @param {string} name
 * @param {number} atATime
 * @param {string} path
 * @param {string} contentType
 * @param {() => string} text
 * @returns {GreedyKind}
 */
const body = (name, atATime, path, contentType, text) => ({
  name,
  run: (attack) => {
    const made = text()
    return again(attack, atATime, () =>
      attack.client.send(path, { method: 'POST', key: attack.user.write, body: made, contentType }),
    )
  },
})

const REST = '/api/v1/connections/logs'
const JSON_TYPE = 'application/json'
const NDJSON = 'application/x-ndjson'
const plainLog = { platform: 'tiktok', eventType: 'connect_failed', connectionMethod: 'oauth' }
/** @param {string} rawResponse */
const withError = (rawResponse) => ({ ...plainLog, error: { code: 'c', message: 'm', rawResponse } })
/** @param {object} metadata */
const withMetadata = (metadata) => ({ ...plainLog, metadata })
const sixteenKilobytes = () =>
  Object.fromEntries(many(800, (n) => `key${n}`).map((key) => [key, 'access_token=1']))

/**
 * As found in the holes H1 to H10 and W13, W14 of a review by attackers.
 * @type {readonly GreedyKind[]}
 */
export const GREEDY_KINDS = [
  query('H1 fragments that spread each other', 1, () => tree(4, 19, '...missing')),
  query('H1 the same without a field', 2, () => tree(4, 11, '__typename')),
  silent('H2 17 bodies that never come', 17, '/graphql', JSON_TYPE, 100),
  silent('H2 300 bodies that never come', 300, '/graphql', JSON_TYPE, 100),
  silent('H2b 256 streams of lines without a line', 256, REST, NDJSON, 'chunked'),
  query(
    'H3 filters with 300 values',
    2,
    () =>
      `query($f: ConnectionLogFilter){${aliased(10, 'connectionLogs(filter:$f,limit:1){pagination{total}}')}}`,
    MANY_VALUES,
  ),
  query(
    'H3 one filter with 300 values',
    4,
    () => 'query($f: ConnectionLogFilter){connectionLogs(filter:$f,limit:1){pagination{total}}}',
    MANY_VALUES,
  ),
  query(
    'H3 statistics counted one by one',
    2,
    () => `{${aliased(6, `connectionStats(filter:{errorCode:${CODES}}){total errorCodes{code}}`)}}`,
  ),
  query(
    'H3 statistics of a search',
    2,
    () => '{connectionStats(filter:{search:"e"}){total errorCodes{code} durationMs{p95}}}',
  ),
  query(
    'H3b sparse cursor pages',
    15,
    () => `{${aliased(10, 'connectionLogsByCursor(filter:{connectionMethod:INVITATION}){nodes{id}}')}}`,
  ),
  {
    name: 'H4 30 replays with a rare filter',
    run: async ({ client, user, signal }) => {
      const document = `subscription{connectionLogRecorded(filter:{search:"zzz"},after:${JSON.stringify(user.oldCursor)}){cursor}}`
      await Promise.all(many(30, String).map(() => client.subscribe(user.read, document)))
      await whileOpen(signal)
    },
  },
  query('H5 an alias of 190,000 letters', 2, () => {
    const alias = 'a'.repeat(190_000)
    return `{${aliased(10, 'connectionLogs(limit:100){edges:logs{...F} logs{...F}}')}} fragment F on ConnectionLog{${alias}:id}`
  }),
  query(
    'H5 large metadata under 50 aliases',
    2,
    () => `{connectionLogs(limit:100){logs{${aliased(50, 'metadata')}}}}`,
  ),
  query(
    'H5 large pages',
    4,
    () => `{${aliased(10, 'connectionLogs(limit:100){logs{metadata error{message}}}')}}`,
  ),
  {
    name: 'H5 20 large answers that nobody reads',
    run: async ({ client, user, signal }) => {
      const text = JSON.stringify({ query: '{connectionLogs(limit:100){logs{metadata}}}' })
      const request = head('/graphql', user.read, JSON_TYPE, text.length) + text
      const open = () => {
        if (signal.aborted) return
        const socket = client.socket(request.repeat(10))
        socket.pause()
        socket.on('close', () => setTimeout(open, 100))
      }
      many(20, String).forEach(open)
      await whileOpen(signal)
    },
  },
  streams(
    'H6 100 streams with 40 aliases',
    (n) => `subscription{connectionLogRecorded{s${n}: cursor ${SELECTED}}}`,
    true,
  ),
  streams(
    'H6 100 streams with 40 aliases that nobody reads',
    (n) => `subscription{connectionLogRecorded{s${n}: cursor ${SELECTED}}}`,
    false,
  ),
  streams(
    'H6 100 streams with a search',
    (n) => `subscription{connectionLogRecorded(filter:{search:"lor${n % 10 ? '' : 'e'}"}){s${n}: cursor}}`,
    true,
  ),
  {
    name: 'H7 keys without number, and their streams',
    run: async (attack) => {
      const { client, user } = attack
      const create = `mutation{${aliased(10, 'createApiKey(input:{name:"n",scopes:[LOGS_READ]}){key}')}}`
      await again(attack, 4, async () => {
        const { text } = await client.graphql(user.admin, create)
        for (const [key] of text.matchAll(/clk_\w+/g))
          await Promise.all(
            many(20, String).map(() => client.subscribe(key, 'subscription{connectionLogRecorded{cursor}}')),
          )
      })
    },
  },
  query(
    'H8 two fragments of one name',
    4,
    (turn) =>
      `{c${turn}: connectionLog(id:"x"){...F}} fragment F on ConnectionLog{${'error{code} '.repeat(900)}} fragment F on ConnectionLog{id}`,
  ),
  query('H9 long documents', 4, (turn) => `#${turn}${'ж'.repeat(199_000)}\n{viewer{name}}`),
  body('H10 metadata with 380,000 keys', 2, REST, JSON_TYPE, () =>
    JSON.stringify(
      withMetadata(Object.fromEntries(many(380_000, (n) => `k${n}`).map((key) => [key, 1]))),
    ).slice(0, 4_190_000),
  ),
  body('H10 2,000,000 permissions', 2, REST, JSON_TYPE, () =>
    JSON.stringify({ ...plainLog, success: { permissions: many(2_000_000, () => '').map(() => 1) } }),
  ),
  body('H10 62 long responses of platforms', 2, REST, JSON_TYPE, () =>
    JSON.stringify(many(62, String).map(() => withError('EAAG'.repeat(16_200)))),
  ),
  body('H10 240 large metadata', 2, REST, JSON_TYPE, () =>
    JSON.stringify(many(240, String).map(() => withMetadata(sixteenKilobytes()))),
  ),
  body('H10 300 lines of long responses', 2, REST, NDJSON, () =>
    many(300, () => JSON.stringify(withError('EAAG'.repeat(16_200)))).join('\n'),
  ),
  {
    name: 'W13 /metrics again and again',
    run: (attack) => again(attack, 8, () => attack.client.send('/metrics')),
  },
  {
    name: 'W14 a stream of lines without end',
    run: async ({ client, user, signal }) => {
      const line = `${JSON.stringify({ ...plainLog, metadata: { note: 'lorem ipsum '.repeat(80) } })}\n`
      const piece = line.repeat(60)
      const chunk = `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`
      const socket = client.socket(head(REST, user.write, NDJSON, 'chunked'))
      socket.resume()
      while (!signal.aborted && !socket.destroyed) {
        if (!socket.write(chunk))
          await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), whileOpen(signal)])
        await pause(0)
      }
    },
  },
]
