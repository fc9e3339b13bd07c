// Apollo Server and Prisma, as their guides put them together.
// Follows https://www.apollographql.com/docs/apollo-server/getting-started and
// https://www.prisma.io/docs/orm/v7/prisma-client/queries/pagination (offset pagination)
import { readFileSync } from 'node:fs'
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { GraphQLScalarType } from 'graphql'
import { prisma } from '../prisma/open.mjs'
import { expiredThrough, paginationOf, ready, tenantOf } from '../service.mjs'

const resolvers = {
  DateTime: new GraphQLScalarType({ name: 'DateTime', serialize: (date) => date.toISOString() }),
  JSONObject: new GraphQLScalarType({ name: 'JSONObject', serialize: (value) => value }),
  ConnectionLog: {
    platform: ({ platform }) => platform.toUpperCase(),
    eventType: ({ eventType }) => eventType.toUpperCase(),
    connectionMethod: ({ connectionMethod }) => connectionMethod.toUpperCase(),
    status: ({ eventType }) =>
      eventType.endsWith('_success') ? 'SUCCESS' : eventType.endsWith('_failed') ? 'FAILED' : null,
  },
  Query: {
    connectionLogs: async (_, { limit, skip }, { userId }) => {
      const where = { userId, createdAt: { gt: expiredThrough() } }
      const [logs, total] = await Promise.all([
        prisma.connectionLog.findMany({
          where,
          orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
          take: limit,
          skip,
        }),
        prisma.connectionLog.count({ where }),
      ])
      return { logs, pagination: paginationOf(total, skip) }
    },
  },
}

const server = new ApolloServer({
  typeDefs: readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8'),
  resolvers,
})
const { url } = await startStandaloneServer(server, {
  listen: { port: 0, host: '127.0.0.1' },
  context: async ({ req }) => ({ userId: tenantOf(req.headers.authorization) }),
})
ready(new URL(url).port)
