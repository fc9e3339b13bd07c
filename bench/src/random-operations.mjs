/** Random queries, as clients and as attackers send them: every field that reads logs, every filter, every list length. */

const PLATFORMS = ['INSTAGRAM', 'FACEBOOK', 'TIKTOK', 'YOUTUBE', 'LINKEDIN', 'REDDIT', 'BLUESKY', 'TELEGRAM']
const EVENT_TYPES = [
  'CONNECT_SUCCESS',
  'CONNECT_FAILED',
  'DISCONNECT',
  'RECONNECT_SUCCESS',
  'RECONNECT_FAILED',
]
const METHODS = ['OAUTH', 'CREDENTIALS', 'INVITATION']
const LENGTHS = [1, 1, 2, 5, 10, 40, 100]
const LEAVES =
  'id userId profileId accountId platform eventType status connectionMethod durationMs metadata createdAt'.split(
    ' ',
  )
const OBJECTS = ['error { code message }', 'success { displayName username }', 'context { isReconnection }']
const TALLY = 'total succeeded failed successRate'
const STATISTICS = [
  'total',
  'succeeded',
  'series { start total }',
  `byPlatform { platform ${TALLY} }`,
  'byEventType { eventType total }',
  `byConnectionMethod { connectionMethod ${TALLY} }`,
  'errorCodes { code total }',
  'durationMs { median p95 }',
]

/**
 * Operations that have been found to be the most work for their points.
 * @param {Samples} samples
 */
export function hardOperations({ accountIds, profileIds, errorCodes }) {
  const list = (values, length) => text(Array.from({ length }, (_, n) => values[n] ?? `unknown-${n}`))
  const lists = `accountId: ${list(accountIds, 100)}, profileId: ${list(profileIds, 100)}, errorCode: ${list(errorCodes, 100)}`
  const codes = `errorCode: ${list(errorCodes, 40)}`
  return [
    `connectionLogs(filter: { ${lists} }) { logs { id } }`,
    `connectionLogs(filter: { ${codes} }) { logs { id } }`,
    `connectionLogs(filter: { ${codes} }, skip: 50000) { logs { id } }`,
    `connectionStats(filter: { ${codes} }) { total }`,
    `connectionStats(filter: { ${codes} }) { durationMs { p95 } }`,
    `connectionStats(filter: { ${codes} }) { errorCodes { code } }`,
    'connectionLogs(filter: { search: "e" }) { pagination { total } }',
    'connectionLogs(filter: { search: "e a o" }) { pagination { total } }',
    'connectionStats(filter: { search: "e" }) { total }',
    'connectionStats(filter: { search: "e" }) { errorCodes { code } }',
    'connectionStats(filter: { search: "e" }) { durationMs { p95 } }',
    'connectionLogsByCursor(filter: { connectionMethod: INVITATION }) { nodes { id } }',
    'connectionLogsByCursor(filter: { platform: SNAPCHAT, eventType: DISCONNECT }) { nodes { id } }',
    'connectionLogsByCursor(filter: { search: "e a o", platform: SNAPCHAT }) { nodes { id } }',
    `connectionLogsByCursor(filter: { ${codes} }) { nodes { id } totalCount }`,
    'connectionStats(interval: HOUR, timeZone: "Australia/Lord_Howe") { series { total } }',
    'connectionLogs(skip: 2147483647) { logs { id } }',
  ].map((root) => `{ ${root} }`)
}

/**
 * @typedef {object} Samples values that logs of the tenant have
 * @property {string[]} ids
 * @property {string[]} accountIds
 * @property {string[]} profileIds
 * @property {string[]} errorCodes
 * @property {string[]} words
 *
 * @param {(below: number) => number} random
 * @param {Samples} samples
 * @returns {() => string} the next operation
 */
export function createOperations(random, samples) {
  const pick = (values) => values[random(values.length)]
  const isNow = (share) => random(100) < share
  const some = (values, most) => [...new Set(Array.from({ length: 1 + random(most) }, () => pick(values)))]
  const values = (known) => {
    const length = pick(LENGTHS)
    return text(
      Array.from({ length }, (_, n) => (n < known.length && isNow(90) ? pick(known) : `unknown-${n}`)),
    )
  }
  const search = () =>
    some(samples.words, 3)
      .map((word) => (isNow(30) ? word.slice(0, 1 + random(2)) : word))
      .join(' ')
  const enums = (all) => `[${some(all, 3).join(', ')}]`

  function args(others) {
    const parts = [
      isNow(25) && `platform: ${enums(PLATFORMS)}`,
      isNow(20) && `eventType: ${enums(EVENT_TYPES)}`,
      isNow(15) && `status: ${pick(['SUCCESS', 'FAILED'])}`,
      isNow(15) && `connectionMethod: ${enums(METHODS)}`,
      isNow(12) && `accountId: ${values(samples.accountIds)}`,
      isNow(10) && `profileId: ${values(samples.profileIds)}`,
      isNow(10) && `errorCode: ${values(samples.errorCodes)}`,
      isNow(12) && `search: ${JSON.stringify(search())}`,
      isNow(20) && `createdAfter: "${new Date(Date.now() - (1 + random(6)) * 86_400_000).toISOString()}"`,
    ].filter(Boolean)
    const all = [...(parts.length > 0 ? [`filter: { ${parts.join(', ')} }`] : []), ...others.filter(Boolean)]
    return all.length === 0 ? '' : `(${all.join(', ')})`
  }
  const log = () => [...some(LEAVES, 10), ...(isNow(50) ? some(OBJECTS, 3) : [])].join(' ')

  const roots = [
    () =>
      `connectionLogs${args([isNow(60) && `limit: ${1 + random(100)}`, isNow(40) && `skip: ${random(20_000)}`])} { logs { ${log()} } pagination { total hasMore } }`,
    () =>
      `connectionLogsByCursor${args([isNow(60) && `${pick(['first', 'last'])}: ${1 + random(100)}`])} { ${isNow(50) ? `edges { cursor node { ${log()} } }` : `nodes { ${log()} }`} pageInfo { hasNextPage }${isNow(25) ? ' totalCount' : ''} }`,
    () =>
      `connectionStats${args([isNow(30) && 'interval: HOUR', isNow(30) && 'timeZone: "Europe/Berlin"'])} { ${some(STATISTICS, 4).join(' ')} }`,
    () => `connectionLog(id: "${pick(samples.ids)}") { ${log()} }`,
  ]
  return () => {
    const count = isNow(70) ? 1 : 1 + random(5)
    const chosen = Array.from(
      { length: count },
      (_, n) => `r${n}: ${pick(roots.slice(0, isNow(85) ? 3 : 4))()}`,
    )
    return `{ ${chosen.join(' ')} }`
  }
}

const text = (values) => JSON.stringify(values)
