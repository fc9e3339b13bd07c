/** A GraphQL request that does harm, or would. */
export interface HostileRequest {
  readonly query: string
  readonly operationName?: string
  /** As they are, or as the text of JSON. */
  readonly variables?: object | string
}

export interface HostileKind {
  readonly name: string
  /** The smallest size that is refused, and the largest that is tried. */
  readonly from: number
  readonly to: number
  /** Whether one less than `from` is a request that is answered. */
  readonly isGoodBelow?: boolean
  make(size: number): HostileRequest
}

const many = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ')

const inside = (open: string, middle: string, close: string, depth: number) =>
  `${open.repeat(depth)}${middle}${close.repeat(depth)}`

const kind = (
  name: string,
  [from, to]: readonly [number, number],
  make: (size: number) => HostileRequest | string,
  isGoodBelow = true,
): HostileKind => ({
  name,
  from,
  to,
  isGoodBelow,
  make: (size) => {
    const made = make(size)
    return typeof made === 'string' ? { query: made } : made
  },
})

/** What is refused at any size, or is no request below. */
const bad = (...[name, sizes, make]: Parameters<typeof kind>) => kind(name, sizes, make, false)

const EVERY_FIELD =
  'id userId profileId accountId eventId platform eventType status connectionMethod success { displayName username profilePicture permissions tokenExpiresAt accountType } error { code message rawResponse } context { hasCustomRedirectUrl isHeadlessMode isReconnection isBYOK } durationMs metadata createdAt'

const FILTERED = 'query ($f: ConnectionLogFilter) { connectionLogs(filter: $f) { logs { id } } }'

/** More than 24 ways of asking for too much, each as large as one likes. */
export const HOSTILE_KINDS: readonly HostileKind[] = [
  kind('aliases of a field', [51, 5_000], (n) => `{ viewer { ${many(n, (i) => `a${i}: keyId`)} } }`),
  kind('aliases of __typename', [51, 5_000], (n) => `{ viewer { ${many(n, (i) => `a${i}: __typename`)} } }`),
  kind('aliases of a root field', [11, 2_000], (n) => `{ ${many(n, (i) => `a${i}: viewer { keyId }`)} }`),
  kind('__typename at the root', [11, 4_000], (n) => `{ ${many(n, () => '__typename')} }`),
  kind('a field again and again', [102, 5_000], (n) => `{ viewer { ${many(n, () => 'keyId')} } }`),
  kind(
    'an object again and again',
    [52, 2_000],
    (n) => `{ connectionLogs { ${many(n, () => 'pagination { total }')} } }`,
  ),
  kind(
    'inline fragments over each other',
    [102, 2_000],
    (n) => `{ viewer { ${many(n, () => '... on Viewer { keyId }')} } }`,
  ),
  kind(
    'inline fragments inside each other',
    [39, 5_000],
    (n) => `{ viewer ${inside('{ ... ', '{ keyId }', '}', n)} }`,
  ),
  kind(
    'columns of inline fragments inside each other',
    [6, 50],
    (n) => `{ viewer { ${many(n, () => inside('... { ', 'keyId', '}', 35))} } }`,
  ),
  kind('a long alias', [129, 190_000], (n) => `{ viewer { ${'a'.repeat(n)}: keyId } }`),
  kind(
    'look-ups by a hundred values',
    [2, 10],
    (n) =>
      `{ ${many(n, (i) => `a${i}: connectionLogs(filter: { accountId: [${many(100, (value) => `"${value}"`)}] }) { logs { id } }`)} }`,
  ),
  kind(
    'fields inside each other',
    [15, 5_000],
    (n) => `{ __type(name: "Query") ${inside('{ ofType ', '{ kind }', '}', n)} }`,
  ),
  kind(
    'fields inside each other by fragments',
    [15, 1_000],
    (n) =>
      `{ __type(name: "Query") { ...f0 } } ${many(n, (i) => `fragment f${i} on __Type { ofType { ${i + 1 < n ? `...f${i + 1}` : 'kind'} } }`)}`,
  ),
  kind(
    'fields inside each other in a fragment called __schema',
    [14, 5_000],
    (n) =>
      `{ __type(name: "Query") { ...__schema } } fragment __schema on __Type { ofType ${inside('{ ofType ', '{ kind }', '}', n)} }`,
  ),
  bad(
    'a circle of fragments',
    [1, 1_000],
    (n) => `{ viewer { ...f0 } } ${many(n, (i) => `fragment f${i} on Viewer { ...f${(i + 1) % n} }`)}`,
  ),
  kind(
    'a chain of fragments',
    [21, 10_000],
    (n) =>
      `{ viewer { ...f0 } } ${many(n, (i) => `fragment f${i} on Viewer { ${i + 1 < n ? `...f${i + 1}` : 'keyId'} }`)}`,
  ),
  kind(
    'fragments that grow exponentially',
    [3, 60],
    (n) =>
      `{ viewer { ...f0 } } ${many(n, (i) => `fragment f${i} on Viewer { ${many(6, () => (i + 1 < n ? `...f${i + 1}` : 'keyId'))} }`)}`,
  ),
  kind(
    'a fragment again and again',
    [52, 4_000],
    (n) => `{ viewer { ${many(n, () => '...F')} } } fragment F on Viewer { keyId name }`,
  ),
  bad(
    'fragments that nothing spreads',
    [101, 2_000],
    (n) => `{ viewer { keyId } } ${many(n, (i) => `fragment f${i} on Viewer { keyId }`)}`,
  ),
  bad(
    'directives that are known',
    [51, 5_000],
    (n) => `{ viewer { keyId ${many(n, () => '@include(if: true)')} } }`,
  ),
  bad(
    'directives that are not known',
    [51, 5_000],
    (n) => `{ viewer { keyId ${many(n, (i) => `@a${i}`)} } }`,
  ),
  bad('directives of the operation', [51, 5_000], (n) => `query ${many(n, () => '@a')} { viewer { keyId } }`),
  bad(
    'directives of variables',
    [51, 5_000],
    (n) => `query ($v: Int ${many(n, () => '@a')}) { viewer { keyId } }`,
  ),
  kind('operations', [11, 1_000], (n) => ({
    query: many(n, (i) => `query q${i} { viewer { keyId } }`),
    operationName: 'q0',
  })),
  bad('variables', [51, 5_000], (n) => `query (${many(n, (i) => `$v${i}: Int`)}) { viewer { keyId } }`),
  bad(
    'lists inside each other',
    [38, 50_000],
    (n) => `{ connectionLogs(filter: { platform: ${inside('[', '', ']', n)} }) { logs { id } } }`,
  ),
  bad(
    'objects inside each other',
    [39, 20_000],
    (n) => `{ connectionLogs(filter: ${inside('{ a: ', '1', '}', n)}) { logs { id } } }`,
  ),
  bad(
    'types in brackets',
    [40, 50_000],
    (n) => `query ($v: ${inside('[', 'Int', ']', n)}) { viewer { keyId } }`,
  ),
  bad('brackets that never close', [41, 50_000], (n) => '{ a '.repeat(n)),
  bad('parentheses that never close', [41, 50_000], (n) => '('.repeat(n)),
  bad('names without end', [4_001, 30_000], (n) => `{ viewer { ${many(n, () => 'a')} } }`),
  bad(
    'arguments without end',
    [1_400, 10_000],
    (n) => `{ connectionLogs(${many(n, (i) => `a${i}: 1`)}) { logs { id } } }`,
  ),
  bad(
    'a long text',
    [4_097, 150_000],
    (n) => `{ connectionLogs(filter: { search: "${'x'.repeat(n)}" }) { logs { id } } }`,
  ),
  bad(
    'a long text in blocks',
    [4_097, 150_000],
    (n) => `{ connectionLogs(filter: { search: """${'x'.repeat(n)}""" }) { logs { id } } }`,
  ),
  bad(
    'a long list',
    [1_001, 20_000],
    (n) => `{ connectionLogs(filter: { accountId: [${many(n, (i) => `"${i}"`)}] }) { logs { id } } }`,
  ),
  bad('a long text in a variable', [4_097, 500_000], (n) => ({
    query: FILTERED,
    variables: { f: { search: 'x'.repeat(n) } },
  })),
  bad('a long list in a variable', [1_001, 50_000], (n) => ({
    query: FILTERED,
    variables: { f: { accountId: Array.from({ length: n }, String) } },
  })),
  bad('many values of variables', [1_001, 20_000], (n) => ({
    query: '{ viewer { keyId } }',
    variables: Object.fromEntries(Array.from({ length: n }, (_, index) => [`v${index}`, 1])),
  })),
  bad('lists inside each other in a variable', [64, 100_000], (n) => ({
    query: FILTERED,
    variables: `{"f":${inside('[', '', ']', n)}}`,
  })),
  kind('comments', [200_001, 400_000], (n) => '{ viewer { keyId } } #'.padEnd(n, 'x')),
  kind('commas', [200_001, 400_000], (n) => '{ viewer { keyId } }'.padEnd(n, ',')),
  kind(
    'long pages of everything',
    [7, 10],
    (n) => `{ ${many(n, (i) => `a${i}: connectionLogs(limit: 100) { logs { ${EVERY_FIELD} } }`)} }`,
  ),
  kind('long pages by a variable', [7, 10], (n) => ({
    query: `query ($n: Int = 1) { ${many(n, (i) => `a${i}: connectionLogs(limit: $n) { logs { ${EVERY_FIELD} } }`)} }`,
    variables: { n: 100 },
  })),
  kind('long pages by the default of a variable', [7, 10], (n) => ({
    query: `query ($n: Int = 100) { ${many(n, (i) => `a${i}: connectionLogsByCursor(last: $n) { nodes { ${EVERY_FIELD} } }`)} }`,
  })),
  kind(
    'statistics by the hour',
    [5, 10],
    (n) =>
      `{ ${many(n, (i) => `a${i}: connectionStats(interval: HOUR) { durationMs { p95 } series { start end total failed } errorCodes(first: 100) { code } }`)} }`,
  ),
  bad(
    'introspection inside itself',
    [4, 6],
    (n) => `{ __schema { types ${inside('{ fields { type ', '{ name }', '} }', n)} } }`,
  ),
]

/** So many sizes of a kind, from the smallest to the largest, each some times the one before. */
export function sizesOf({ from, to }: HostileKind, count: number): number[] {
  const step = count === 1 ? 1 : (to / from) ** (1 / (count - 1))
  return [...new Set(Array.from({ length: count }, (_, index) => Math.round(from * step ** index)))]
}

export const TRANSPORTS = ['POST', 'GET', 'SSE'] as const
export type Transport = (typeof TRANSPORTS)[number]

/** The request as a browser or a client would send it. @returns path and what `fetch` takes beside it */
export function sentBy(transport: Transport, { query, operationName, variables }: HostileRequest) {
  const given = typeof variables === 'string' ? variables : JSON.stringify(variables ?? null)
  const headers: Record<string, string> = {
    accept: transport === 'SSE' ? 'text/event-stream' : 'application/json',
  }
  if (transport !== 'GET') {
    headers['content-type'] = 'application/json'
    const name = operationName === undefined ? '' : `,"operationName":${JSON.stringify(operationName)}`
    const body = `{"query":${JSON.stringify(query)}${name},"variables":${given}}`
    return { path: '/graphql', init: { method: 'POST', headers, body } }
  }
  const parameters = new URLSearchParams({ query })
  if (operationName !== undefined) parameters.set('operationName', operationName)
  if (variables !== undefined) parameters.set('variables', given)
  return { path: `/graphql?${parameters}`, init: { headers } }
}
