import { PrismaPg } from '@prisma/adapter-pg'
import { pgPoolOptions } from '../service.mjs'
import prismaClient from './client/index.js'

// Follows https://www.prisma.io/docs/orm/v7/core-concepts/supported-databases/postgresql (driver adapter)
export const prisma = new prismaClient.PrismaClient({
  adapter: new PrismaPg(pgPoolOptions, { schema: 'connlog' }),
})
