import { builder } from '../../graphql/builder.ts'
import { STATEMENT, costs } from '../../graphql/cost.ts'
import { MAX_LIMIT } from '../../kernel/offset-page.ts'
import type { ConnectionLogSlice } from '../by-cursor.ts'
import { ConnectionLogFilterInput } from './filter.ts'
import { ConnectionLogType, NodeInterface } from './log.ts'
import { TOTAL_COUNT, countedAgain, cursorPageWeight, sliceSize } from './prices.ts'

const PageInfoType = builder.objectRef<ConnectionLogSlice>('PageInfo').implement({
  description: 'Where a page of a connection stands. The next page is the older one.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', {
      description: 'Whether older logs follow, or may: see `endCursor`.',
    }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      description: 'Whether newer logs come before, or may: see `startCursor`.',
    }),
    startCursor: t.string({
      nullable: true,
      description:
        'Where the next newer page begins, to be given to `before`; null where there is nothing on the page and no more to look through.',
      resolve: ({ startCursor }) => startCursor(),
    }),
    endCursor: t.string({
      nullable: true,
      description:
        'Where the next older page begins, to be given to `after`; null where there is nothing on the page and no more to look through.',
      resolve: ({ endCursor }) => endCursor(),
    }),
  }),
})

const EdgeType = builder.objectRef<ConnectionLogSlice['edges'][number]>('ConnectionLogEdge').implement({
  description: 'A log on a page of a connection.',
  fields: (t) => ({
    cursor: t.string({
      description: 'The place of the log, to be given to `after` or `before`. Opaque.',
      resolve: ({ cursor }) => cursor(),
    }),
    node: t.expose('node', { type: ConnectionLogType, description: 'The log.' }),
  }),
})

const ConnectionType = builder.objectRef<ConnectionLogSlice>('ConnectionLogConnection').implement({
  description: 'Some connection logs, newest first, paged by cursors that hold while logs arrive and expire.',
  fields: (t) => ({
    edges: t.expose('edges', {
      type: [EdgeType],
      description: 'The logs of the page with their cursors, newest first.',
      extensions: costs({ size: (_, around) => sliceSize(around) }),
    }),
    nodes: t.field({
      type: [ConnectionLogType],
      description: 'The logs of the page, newest first.',
      resolve: ({ edges }) => edges.map(({ node }) => node),
      extensions: costs({ size: (_, around) => sliceSize(around) }),
    }),
    pageInfo: t.field({
      type: PageInfoType,
      description: 'Where the page stands.',
      resolve: (slice) => slice,
    }),
    totalCount: t.int({
      description: 'How many logs match the filter, exactly. Counted only when asked for.',
      resolve: (slice) => slice.totalCount(),
      extensions: costs({ weight: countedAgain(TOTAL_COUNT) }),
    }),
  }),
})

builder.queryFields((t) => ({
  connectionLogsByCursor: t.field({
    type: ConnectionType,
    needs: 'logs:read',
    description: 'Connection logs that match the filter, newest first, paged by cursor as Relay does.',
    args: {
      filter: t.arg({ type: ConnectionLogFilterInput, description: 'Which logs; all of them if absent.' }),
      first: t.arg.int({
        description: `Most logs to return from the newest on: 1 to ${MAX_LIMIT}; 50 if neither \`first\` nor \`last\` is given.`,
      }),
      after: t.arg.string({ description: 'Only logs older than the place of this cursor.' }),
      last: t.arg.int({
        description: `Most logs to return from the oldest on: 1 to ${MAX_LIMIT}. Not together with \`first\`.`,
      }),
      before: t.arg.string({ description: 'Only logs newer than the place of this cursor.' }),
    },
    resolve: (_, { filter, ...paging }, { connectionLogs }) => connectionLogs.byCursor(filter ?? {}, paging),
    extensions: costs({ weight: cursorPageWeight }),
  }),
  node: t.field({
    type: NodeInterface,
    nullable: true,
    needs: 'logs:read',
    description: 'The object with this id, as Relay fetches it again.',
    args: { id: t.arg.id({ required: true, description: 'Id of the object.' }) },
    resolve: (_, { id }, { connectionLogs }) => connectionLogs.get(id),
    extensions: costs({ weight: STATEMENT }),
  }),
}))
