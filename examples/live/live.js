// Shows connection logs as they are recorded: the stored page first, then the feed from the moment before that page.

const LOG = `
  id createdAt platform eventType status userId accountId
  error { code message }
  success { username displayName }`

const CURSOR = 'query Cursor { connectionLogFeedCursor }'

const STORED = `query Stored($filter: ConnectionLogFilter) {
  connectionLogs(filter: $filter, limit: 100) { logs { ${LOG} } }
  connectionStats { byPlatform { platform } }
}`

const FOLLOW = `subscription Follow($filter: ConnectionLogFilter, $after: String) {
  connectionLogRecorded(filter: $filter, after: $after) { log { ${LOG} } }
}`

const LONGEST_LIST = 100

/** Three heartbeats of connlog: who hears nothing for so long is cut off and was not told. */
const SILENCE_MS = 45_000

const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 30_000

/** Errors that pass. With any other, trying again does not help. */
const PASSING = new Set(['SERVICE_UNAVAILABLE', 'RATE_LIMITED', 'INTERNAL'])

/**
 * @typedef {{
 *   id: string, createdAt: string, platform: string, eventType: string, status: 'SUCCESS' | 'FAILED' | null,
 *   userId: string | null, accountId: string | null,
 *   error: { code: string | null, message: string | null } | null,
 *   success: { username: string | null, displayName: string | null } | null,
 * }} Log
 *
 * @typedef {{ message: string, extensions?: { code?: string, retryAfterSeconds?: number } }} GraphqlError
 *
 * What is followed, and how far that has come.
 * @typedef {object} Session
 * @property {{ platform?: string, status?: string }} filter
 * @property {string | undefined} after cursor of all that has been shown; undefined before the stored page is
 * @property {Set<string>} stored ids of logs on the stored page which the feed has not brought: those recorded between
 *   the cursor and the page are in both
 */

/** What connlog, or a proxy before it, answers instead of what was asked for. */
class Refused extends Error {
  isFinal = false
  retryAfterMs = 0
}

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id))
const at = {
  state: byId('state'),
  sentence: byId('sentence'),
  countdown: byId('countdown'),
  button: byId('button'),
  platform: /** @type {HTMLSelectElement} */ (byId('platform')),
  status: /** @type {HTMLSelectElement} */ (byId('status')),
  since: byId('since'),
  logs: byId('logs'),
  empty: byId('empty'),
}

const counts = { success: 0, failed: 0, disconnect: 0 }

/** @type {Session} */
let session
let running = new AbortController()
/** Ends the wait before the next try. */
let hurry = () => {}

/** Forgets what is shown, and shows what the filters pick. */
function begin() {
  const { value: platform } = at.platform
  const { value: status } = at.status
  session = {
    filter: { ...(platform && { platform }), ...(status && { status }) },
    after: undefined,
    stored: new Set(),
  }
  for (const outcome of Object.keys(counts)) showCount(/** @type {keyof typeof counts} */ (outcome), 0)
  at.since.textContent = '–'
  at.logs.replaceChildren()
  at.empty.hidden = true
  void run(session)
}

/**
 * Follows until it is stopped or refused for good, however often it is cut off.
 * @param {Session} session
 */
async function run(session) {
  running.abort()
  running = new AbortController()
  const { signal } = running
  let failures = 0
  const held = () => void (failures = 0)
  if (session.after === undefined) showState('loading', 'Loading')
  for (;;) {
    try {
      if (session.after === undefined) await load(session, signal)
      await follow(session, signal, held)
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof Refused)) console.warn(error)
      const refused = error instanceof Refused ? error : undefined
      if (refused?.isFinal) return showState('ended', `Ended: ${refused.message}`)
      showState('waiting', `Reconnecting: ${refused?.message ?? 'The connection broke.'}`)
      await waited(waitMs(failures, refused?.retryAfterMs ?? 0), signal)
      if (signal.aborted) return
      failures += 1
    }
  }
}

/**
 * Twice as long each time, and by chance up to half of it less, so that pages which were cut off together do not come back
 * together; never sooner than connlog asks for.
 * @param {number} failures before this one, in a row
 * @param {number} retryAfterMs
 */
const waitMs = (failures, retryAfterMs) =>
  retryAfterMs + Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS) * (1 - Math.random() / 2)

/**
 * The cursor first, then the page: a log that is recorded in between is in both, and none is in neither.
 * @param {Session} session
 * @param {AbortSignal} signal
 */
async function load(session, signal) {
  const { connectionLogFeedCursor: cursor } = await query(CURSOR, {}, signal)
  const { connectionLogs, connectionStats } = await query(STORED, { filter: session.filter }, signal)
  /** @type {Log[]} */
  const logs = connectionLogs.logs
  session.after = cursor
  session.stored = new Set(logs.map(({ id }) => id))
  at.since.textContent = timeText(new Date())
  at.logs.replaceChildren(...logs.map(rowOf))
  at.empty.hidden = logs.length > 0
  for (const { platform } of connectionStats.byPlatform) offerPlatform(platform)
}

/**
 * @param {Session} session
 * @param {AbortSignal} signal
 * @param {() => void} held called when the connection has proved to be of use
 * @returns {Promise<never>}
 */
async function follow(session, signal, held) {
  const silence = new AbortController()
  let timer = 0
  const heard = () => {
    clearTimeout(timer)
    timer = window.setTimeout(() => silence.abort(), SILENCE_MS)
  }
  try {
    heard()
    const { filter, after } = session
    const either = AbortSignal.any([signal, silence.signal])
    const response = await post(FOLLOW, { filter, after }, 'text/event-stream', either)
    let isFirst = true
    for await (const { id, event, data } of eventsOf(response, heard)) {
      signal.throwIfAborted()
      if (event === 'complete') throw new Error('The stream has ended.')
      if (event === 'next') take(session, JSON.parse(data))
      if (id !== undefined) {
        // At the beginning, and where nothing matched, it comes without data.
        session.after = id
        showState('live', 'Live')
      }
      if (!isFirst) held()
      isFirst = false
    }
    throw new Error('The connection broke.')
  } finally {
    clearTimeout(timer)
  }
}

/** @type {(session: Session, result: { data?: { connectionLogRecorded: { log: Log } }, errors?: GraphqlError[] }) => void} */
const take = ({ stored }, { data, errors }) => {
  if (!data) throw refusedBy(errors?.[0])
  const { log } = data.connectionLogRecorded
  const outcome = outcomeOf(log)
  showCount(outcome, counts[outcome] + 1)
  offerPlatform(log.platform)
  if (stored.delete(log.id)) return
  const row = rowOf(log)
  row.classList.add('fresh')
  at.logs.prepend(row)
  at.empty.hidden = true
  while (at.logs.childElementCount > LONGEST_LIST) at.logs.lastElementChild?.remove()
}

// --- Talking to connlog

/** @type {(document: string, variables: object, signal: AbortSignal) => Promise<any>} */
const query = async (document, variables, signal) => {
  const either = AbortSignal.any([signal, AbortSignal.timeout(SILENCE_MS)])
  const response = await post(document, variables, 'application/json', either)
  const { data, errors } = await response.json()
  signal.throwIfAborted()
  if (errors) throw refusedBy(errors[0])
  return data
}

/** @type {(document: string, variables: object, accept: string, signal: AbortSignal) => Promise<Response>} */
const post = async (document, variables, accept, signal) => {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ query: document, variables }),
    signal,
  })
  if (response.ok) return response
  const answer = await response.json().catch(() => undefined)
  throw refusedBy(answer?.errors?.[0], response)
}

/**
 * @param {GraphqlError | undefined} error
 * @param {Response} [response] of another status than 200, which may come from a proxy and say nothing of GraphQL
 */
function refusedBy(error, response) {
  const { code, retryAfterSeconds = Number(response?.headers.get('retry-after') ?? 0) || 0 } =
    error?.extensions ?? {}
  const status = response?.status ?? 500
  const passes = code === undefined ? status >= 500 || status === 408 || status === 429 : PASSING.has(code)
  const refused = new Refused(error?.message ?? `The answer has the status ${status}.`)
  return Object.assign(refused, { isFinal: !passes, retryAfterMs: retryAfterSeconds * 1_000 })
}

/**
 * Server-sent events as connlog writes them: each block ends with an empty line. What is cut off amid a block is dropped,
 * since the cursor before it brings it again.
 * @param {Response} response
 * @param {() => void} heard called whenever anything comes
 */
async function* eventsOf(response, heard) {
  const stream = /** @type {ReadableStream<Uint8Array>} */ (response.body)
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let text = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      heard()
      text += decoder.decode(value, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) yield eventOf(block)
    }
  } finally {
    reader.cancel().catch(() => undefined)
  }
}

/** @param {string} block */
function eventOf(block) {
  /** @type {{ id?: string, event?: string, data: string }} */
  const found = { data: '' }
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^(id|event|data): ?(.*)$/.exec(line) ?? []
    if (field === 'id' || field === 'event' || field === 'data') found[field] = value
  }
  return found
}

/**
 * Counts down, until the time is over, somebody is in a hurry, or it is stopped.
 * @type {(ms: number, signal: AbortSignal) => Promise<void>}
 */
const waited = (ms, signal) =>
  new Promise((resolve) => {
    const endMs = performance.now() + ms
    let timer = 0
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      at.countdown.textContent = ''
      resolve()
    }
    const tick = () => {
      const leftMs = endMs - performance.now()
      if (leftMs <= 0) return end()
      at.countdown.textContent = `Next try in ${Math.ceil(leftMs / 1_000)} s`
      timer = window.setTimeout(tick, leftMs % 1_000 || 1_000)
    }
    signal.addEventListener('abort', end)
    hurry = end
    tick()
  })

// --- Showing. Whatever comes from a log goes into the page as text.

/** What the one button does in each state. */
const DEEDS = {
  loading: { label: 'Pause', act: () => pause() },
  live: { label: 'Pause', act: () => pause() },
  waiting: { label: 'Reconnect now', act: () => hurry() },
  paused: { label: 'Resume', act: () => void run(session) },
  ended: { label: 'Begin anew', act: () => begin() },
}
let deed = DEEDS.loading

/** @type {(state: keyof typeof DEEDS, sentence: string) => void} */
const showState = (state, sentence) => {
  deed = DEEDS[state]
  at.state.dataset['state'] = state
  at.button.textContent = deed.label
  // Written anew, the same sentence would be read aloud again.
  if (at.sentence.textContent !== sentence) at.sentence.textContent = sentence
}

function pause() {
  running.abort()
  showState('paused', 'Paused')
}

/** @type {(outcome: keyof typeof counts, count: number) => void} */
const showCount = (outcome, count) => {
  counts[outcome] = count
  byId(`count-${outcome}`).textContent = String(count)
}

/** @param {string} platform */
function offerPlatform(platform) {
  const options = [...at.platform.options]
  if (options.some(({ value }) => value === platform)) return
  const next = options.find(({ value }) => value > platform)
  at.platform.add(new Option(platform.toLowerCase(), platform), next ?? null)
}

/** @param {Log} log */
const outcomeOf = ({ status }) =>
  status === null ? 'disconnect' : /** @type {const} */ ({ SUCCESS: 'success', FAILED: 'failed' })[status]

/** @param {Log} log */
function rowOf(log) {
  const row = document.createElement('tr')
  row.setAttribute('role', 'row')
  row.dataset['outcome'] = outcomeOf(log)
  const time = document.createElement('time')
  time.dateTime = log.createdAt
  time.textContent = timeText(new Date(log.createdAt))
  const event = document.createElement('span')
  event.className = 'event'
  event.textContent = log.eventType.replaceAll('_', ' ').toLowerCase()
  row.append(
    cellOf([time]),
    cellOf([log.platform.toLowerCase()]),
    cellOf([event]),
    cellOf([log.userId], 'User'),
    cellOf([log.accountId], 'Account'),
    cellOf(detailsOf(log)),
  )
  return row
}

/** @type {(log: Log) => (Node | string | null)[]} */
const detailsOf = ({ error, success }) => {
  if (!error) return [success?.displayName ?? success?.username ?? null]
  if (error.code === null) return [error.message]
  const code = document.createElement('code')
  code.textContent = error.code
  return [code, ` ${error.message ?? ''}`]
}

/**
 * @param {(Node | string | null)[]} content null is left out
 * @param {string} [label] shown where there is no room for headers
 */
function cellOf(content, label) {
  const cell = document.createElement('td')
  cell.setAttribute('role', 'cell')
  if (label !== undefined) cell.dataset['label'] = label
  cell.append(...content.filter((part) => part !== null))
  return cell
}

const today = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
const otherDay = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** @param {Date} time */
const timeText = (time) => (time.toDateString() === new Date().toDateString() ? today : otherDay).format(time)

at.button.addEventListener('click', () => deed.act())
at.platform.addEventListener('change', begin)
at.status.addEventListener('change', begin)
window.addEventListener('online', () => hurry())
begin()
