/** Prisma's SQL template tag: values become parameters, never text. `raw` is for names and fragments of our own. */
export { Sql, empty, join, raw, sqltag as sql } from '@prisma/client/runtime/client'
