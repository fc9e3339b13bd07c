import fc from 'fast-check'
import { type GraphQLInputType, type GraphQLSchema, astFromValue, print } from 'graphql'
import { filters, userFilters } from './random-logs.ts'

/** A GraphQL request as it is sent. */
export interface RandomRequest {
  readonly query: string
  readonly operationName?: string | null
  readonly variables?: Record<string, unknown> | null
}

const seldom = (text: string) => fc.constantFrom('', '', '', '', '', '', '', text)
const ALIASES = ['a', 'b', 'id', 'platform', '__proto__', 'toString']
const alias = fc.oneof(
  { weight: 8, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constantFrom(...ALIASES).map((name) => `${name}: `) },
)
const CONDITIONS = ['true', 'false', '$yes', '$no', '$maybe']
const directive = fc.oneof(
  { weight: 10, arbitrary: fc.constant('') },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('skip', 'include'), fc.constantFrom(...CONDITIONS))
      .map(([name, condition]) => ` @${name}(if: ${condition})`),
  },
  { weight: 1, arbitrary: fc.constantFrom(' @skip(if: $no) @include(if: $yes)') },
)

const leaf = (...names: readonly string[]) =>
  fc.tuple(alias, fc.constantFrom(...names), directive).map((parts) => parts.join(''))

const block = (items: fc.Arbitrary<string>, maxLength: number) =>
  fc.array(items, { minLength: 1, maxLength }).map((texts) => `{ ${texts.join(' ')} }`)

const SUCCESS = [
  'displayName',
  'username',
  'profilePicture',
  'permissions',
  'accountType',
  'tokenExpiresAt',
  '__typename',
]
const ERROR = ['code', 'message', 'rawResponse', '__typename']
const CONTEXT = ['hasCustomRedirectUrl', 'isHeadlessMode', 'isReconnection', 'isBYOK', '__typename']
const LOG = [
  'id',
  'userId',
  'profileId',
  'accountId',
  'eventId',
  'platform',
  'eventType',
  'status',
  'connectionMethod',
  'durationMs',
  'metadata',
  'createdAt',
  '__typename',
]

const nested = (name: string, members: readonly string[]) => {
  const plain = leaf(...members)
  const type = `Connection${name.charAt(0).toUpperCase()}${name.slice(1)}`
  const inner = block(
    fc.oneof(
      { weight: 6, arbitrary: plain },
      { weight: 1, arbitrary: block(plain, 2).map((text) => `... on ${type} ${text}`) },
    ),
    4,
  )
  return fc.tuple(alias, fc.constant(name), directive, fc.constant(' '), inner).map((parts) => parts.join(''))
}

const logItem = fc.letrec<{ item: string; block: string }>((tie) => ({
  block: block(tie('item'), 6),
  item: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 20, arbitrary: leaf(...LOG) },
    { weight: 3, arbitrary: nested('success', SUCCESS) },
    { weight: 3, arbitrary: nested('error', ERROR) },
    { weight: 3, arbitrary: nested('context', CONTEXT) },
    { weight: 1, arbitrary: fc.tuple(directive, tie('block')).map(([on, text]) => `...${on} ${text}`) },
    {
      weight: 1,
      arbitrary: fc.tuple(directive, tie('block')).map(([on, text]) => `... on ConnectionLog${on} ${text}`),
    },
    { weight: 1, arbitrary: directive.map((on) => `... on Node${on} { id n: __typename }`) },
    { weight: 1, arbitrary: directive.map((on) => `...OfLog${on}`) },
    { weight: 1, arbitrary: directive.map((on) => `...OfNode${on}`) },
  ),
})).item

const pagination = fc
  .tuple(alias, block(leaf('total', 'limit', 'skip', 'pages', 'hasMore', '__typename'), 5))
  .map(([name, text]) => `${name}pagination ${text}`)

const pageItem = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(directive, block(logItem, 12)).map(([on, text]) => `logs${on} ${text}`) },
  { weight: 1, arbitrary: fc.tuple(alias, block(logItem, 3)).map(([name, text]) => `${name}logs ${text}`) },
  { weight: 5, arbitrary: pagination },
  { weight: 1, arbitrary: leaf('__typename') },
  { weight: 1, arbitrary: fc.constant('...OfPage') },
)

const OTHER_ROOTS = [
  '{ viewer { userId } }',
  '{ __schema { queryType { name } } }',
  '{ connectionLogs { logs { id } } viewer { userId } }',
  '{ a: connectionLogs { logs { id } } b: connectionLogs { logs { id } } }',
  '{ connectionLogs { logs { id } } __type(name: "Node") { name } }',
  '{ connectionLogs { logs { ... @defer { id } } } }',
  '{ connectionLogs { logs @stream { id } } }',
  '{ connectionLogs @unknown { logs { id } } }',
  '{ connectionLogs { logs { nothing } } }',
  '{ connectionLogs { logs } }',
  '{ connectionLogs(limit: "ten") { logs { id } } }',
  '{ connectionLogs { logs { id }',
  '{ __typename }',
  'mutation { cleanupExpiredConnectionLogs(dryRun: true) { deleted } }',
  'fragment F on Query { __typename }',
  '',
]

const FRAGMENTS: Readonly<Record<string, string>> = {
  OfLog: 'fragment OfLog on ConnectionLog { createdAt ...OfNode error { code } success { ...OfSuccess } }',
  OfNode: 'fragment OfNode on Node { id }',
  OfSuccess: 'fragment OfSuccess on ConnectionSuccess { username displayName @skip(if: $no) }',
  OfPage: 'fragment OfPage on ConnectionLogPage { pagination { total __typename } logs { id } }',
}
const TYPES: Readonly<Record<string, string>> = {
  filter: 'ConnectionLogFilter',
  days: 'Int',
  limit: 'Int = 20',
  skip: 'Int',
  yes: 'Boolean = true',
  no: 'Boolean!',
  maybe: 'Boolean! = false',
}

/** Adds what a text spreads, and then what that spreads. */
function withFragments(text: string): string {
  const missing = Object.keys(FRAGMENTS).find(
    (name) => text.includes(`...${name}`) && !text.includes(`fragment ${name} `),
  )
  return missing === undefined ? text : withFragments(`${text} ${FRAGMENTS[missing]}`)
}

/** `query Name($used: Type)`, as every variable must be declared and each that is declared must be used. */
function operation(name: string, selection: string): string {
  const whole = withFragments(selection)
  const used = Object.keys(TYPES).filter((variable) => new RegExp(`\\$${variable}\\b`).test(whole))
  const declared = used.map((variable) => `$${variable}: ${TYPES[variable]}`).join(', ')
  return `query ${name}${declared === '' ? '' : `(${declared})`} ${selection}`
}

const often = (good: fc.Arbitrary<unknown>, bad: readonly unknown[]) =>
  fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: fc.constantFrom(...bad) })
const days = often(fc.constantFrom(1, 2, 7, null, undefined), [0, 8, 1.5, '7'])
const limit = often(fc.constantFrom(1, 2, 7, 20, 100, null, undefined), [0, 101, -1, 'ten', 2 ** 31])
const skip = often(fc.constantFrom(0, 1, 5, 30, 1_000, null, undefined), [-1, 2 ** 31 - 1, 2 ** 31, {}])

/** Requests for pages of logs, right and wrong, and some for other things. */
export function randomRequests(schema: GraphQLSchema, nowMs: number): fc.Arbitrary<RandomRequest> {
  const filterType = schema.getType('ConnectionLogFilter') as GraphQLInputType
  const filter = fc.tuple(filters(nowMs), userFilters).map(([parts, userId]) => ({ ...parts, userId }))
  const literal = (value: object) => {
    const node = astFromValue(value, filterType)
    return node ? print(node) : 'null'
  }
  /** As JSON: enum values by their names, instants as texts. */
  const sent = (value: object) =>
    Object.fromEntries(
      Object.entries(value)
        .filter(([, part]) => part !== undefined)
        .map(([name, part]) => [name, SENT[name]?.(part) ?? part]),
    )
  const args = fc
    .record({
      filter: fc.oneof(
        fc.constant(''),
        fc.constant('filter: $filter'),
        filter.map((value) => `filter: ${literal(value)}`),
      ),
      days: fc.constantFrom('', 'days: $days', 'days: 7', 'days: null', 'days: 2'),
      limit: fc.constantFrom('', 'limit: $limit', 'limit: 10', 'limit: 3', 'limit: 100'),
      skip: fc.constantFrom('', 'skip: $skip', 'skip: 2', 'skip: 0'),
    })
    .map((parts) => Object.values(parts).filter((part) => part !== ''))
    .map((parts) => (parts.length === 0 ? '' : `(${parts.join(', ')})`))
  const page = fc
    .tuple(seldom('p: '), args, directive, block(pageItem, 3))
    .map(([name, given, on, text]) => `${name}connectionLogs${given}${on} ${text}`)
  const root = fc
    .tuple(seldom('__typename '), page, seldom(' t: __typename'), fc.boolean())
    .map(([before, text, after, isSpread]) =>
      isSpread ? `{ ${before}... on Query { ${text} }${after} }` : `{ ${before}${text}${after} }`,
    )
  const document = fc.oneof(
    { weight: 10, arbitrary: root.map((text) => ({ query: withFragments(operation('', text)) })) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(root, root, fc.constantFrom('A', 'B', 'A', 'B', 'C', '', null))
        .map(([a, b, operationName]) => ({
          query: withFragments(`${operation('A', a)} ${operation('B', b)}`),
          operationName,
        })),
    },
    { weight: 1, arbitrary: fc.constantFrom(...OTHER_ROOTS).map((query) => ({ query })) },
  )
  const variables = fc.oneof(
    {
      weight: 12,
      arbitrary: fc
        .record({
          filter: fc.oneof(filter.map(sent), fc.constantFrom(null, undefined)),
          days,
          limit,
          skip,
          yes: fc.constantFrom(true, false, true, undefined),
          no: often(fc.boolean(), [null, undefined, 'no']),
          maybe: often(fc.constantFrom(true, false, undefined), [null]),
        })
        .map((given) => JSON.parse(JSON.stringify(given)) as Record<string, unknown>),
    },
    { weight: 1, arbitrary: fc.constantFrom(null, undefined, { unknown: 1 }) },
  )
  return fc
    .tuple(document, variables)
    .map(([asked, given]) => ({ ...asked, ...(given === undefined ? {} : { variables: given }) }))
}

const upper = (value: unknown) =>
  Array.isArray(value) ? value.map((text) => String(text).toUpperCase()) : String(value).toUpperCase()
const iso = (value: unknown) => new Date(Number(value)).toISOString()
const SENT: Readonly<Record<string, (value: unknown) => unknown>> = {
  platform: upper,
  eventType: upper,
  status: upper,
  connectionMethod: upper,
  createdAfter: iso,
  createdBefore: iso,
}
