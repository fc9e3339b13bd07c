// Yoga, Pothos with its Prisma plugin, and Prisma: the same libraries as connlog's, each used as its guide shows.
// Follows https://pothos-graphql.dev/docs/plugins/prisma/setup, …/prisma/objects (prismaObject, prismaField) and
// https://the-guild.dev/graphql/yoga-server/docs/integrations/integration-with-nodejs
import SchemaBuilder from '@pothos/core'
import PrismaPlugin from '@pothos/plugin-prisma'
import { getDatamodel } from '@pothos/plugin-prisma/generated'
import { createYoga } from 'graphql-yoga'
import { prisma } from '../prisma/open.mjs'
import { LIMIT, expiredThrough, paginationOf, serve, tenantOf } from '../service.mjs'

const builder = new SchemaBuilder({
  plugins: [PrismaPlugin.default ?? PrismaPlugin],
  prisma: { client: prisma, dmmf: getDatamodel(), onUnusedQuery: null },
})

builder.scalarType('DateTime', { serialize: (date) => date.toISOString() })
builder.scalarType('JSONObject', { serialize: (value) => value })

const enumOf = (name, values) =>
  builder.enumType(name, {
    values: Object.fromEntries(values.split(' ').map((value) => [value.toUpperCase(), { value }])),
  })
const Platform = enumOf(
  'Platform',
  'tiktok instagram facebook youtube linkedin twitter threads pinterest reddit bluesky googlebusiness telegram snapchat',
)
const EventType = enumOf(
  'ConnectionEventType',
  'connect_success connect_failed disconnect reconnect_success reconnect_failed',
)
const Status = enumOf('ConnectionStatus', 'success failed')
const Method = enumOf('ConnectionMethod', 'oauth credentials invitation')

const objectOf = (name, expose, members) =>
  builder.objectRef(name).implement({
    fields: (t) =>
      Object.fromEntries(members.map((member) => [member, t[expose](member, { nullable: true })])),
  })
const Success = objectOf('ConnectionSuccess', 'exposeString', ['displayName', 'username', 'accountType'])
const Failure = objectOf('ConnectionError', 'exposeString', ['code', 'message'])
const Context = objectOf('ConnectionContext', 'exposeBoolean', [
  'hasCustomRedirectUrl',
  'isHeadlessMode',
  'isReconnection',
  'isBYOK',
])

builder.prismaObject('ConnectionLog', {
  fields: (t) => ({
    id: t.exposeID('id'),
    userId: t.exposeID('userId', { nullable: true }),
    profileId: t.exposeID('profileId', { nullable: true }),
    accountId: t.exposeID('accountId', { nullable: true }),
    platform: t.expose('platform', { type: Platform }),
    eventType: t.expose('eventType', { type: EventType }),
    status: t.field({
      type: Status,
      nullable: true,
      resolve: ({ eventType }) =>
        eventType.endsWith('_success') ? 'success' : eventType.endsWith('_failed') ? 'failed' : null,
    }),
    connectionMethod: t.expose('connectionMethod', { type: Method }),
    success: t.expose('success', { type: Success, nullable: true }),
    error: t.expose('error', { type: Failure, nullable: true }),
    context: t.expose('context', { type: Context }),
    durationMs: t.exposeInt('durationMs', { nullable: true }),
    metadata: t.expose('metadata', { type: 'JSONObject', nullable: true }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
})

const Pagination = builder.objectRef('OffsetPagination').implement({
  fields: (t) => ({
    total: t.exposeInt('total'),
    limit: t.exposeInt('limit'),
    skip: t.exposeInt('skip'),
    pages: t.exposeInt('pages'),
    hasMore: t.exposeBoolean('hasMore'),
  }),
})

const Page = builder.objectRef('ConnectionLogPage').implement({
  fields: (t) => ({
    logs: t.prismaField({
      type: ['ConnectionLog'],
      resolve: (query, { where, limit, skip }) =>
        prisma.connectionLog.findMany({
          ...query,
          where,
          orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
          take: limit,
          skip,
        }),
    }),
    pagination: t.field({
      type: Pagination,
      resolve: async ({ where, skip }) => paginationOf(await prisma.connectionLog.count({ where }), skip),
    }),
  }),
})

builder.queryType({
  fields: (t) => ({
    connectionLogs: t.field({
      type: Page,
      args: { limit: t.arg.int({ defaultValue: LIMIT }), skip: t.arg.int({ defaultValue: 0 }) },
      resolve: (_, { limit, skip }, { userId }) => ({
        where: { userId, createdAt: { gt: expiredThrough() } },
        limit,
        skip,
      }),
    }),
  }),
})

serve(
  createYoga({
    schema: builder.toSchema(),
    logging: false,
    context: ({ request }) => ({ userId: tenantOf(request.headers.get('authorization')) }),
  }),
)
