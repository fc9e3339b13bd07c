import type { ArgBuilder } from '@pothos/core'
import { DEFAULT_LIMIT, MAX_LIMIT, type OffsetPagination } from '../kernel/offset-page.ts'
import { builder } from './builder.ts'
import { type Argument, bounded } from './cost.ts'

type Args = ArgBuilder<typeof builder.$inferSchemaTypes>

/** The arguments of a page by offset. @param things what is on it, as it begins a sentence */
export const offsetArgs = (arg: Args, things: string) => ({
  limit: arg.int({
    defaultValue: DEFAULT_LIMIT,
    description: `Most ${things.toLowerCase()} to return: 1 to ${MAX_LIMIT}.`,
  }),
  skip: arg.int({
    defaultValue: 0,
    description: `${things} to pass over before the page begins: 0 or more.`,
  }),
})

/** How long the list of a page can be, by the `limit` of the field around it. */
export const pageSize = (_: Argument, around: Argument): number =>
  bounded(around('limit'), DEFAULT_LIMIT, 1, MAX_LIMIT)

/** Of every page by offset, whatever it is a page of. */
export const OffsetPaginationType = builder.objectRef<OffsetPagination>('OffsetPagination').implement({
  description: 'Where a page stands among all that match.',
  fields: (t) => ({
    total: t.exposeInt('total', {
      description: 'How many match, exactly, at the moment the page was read.',
    }),
    limit: t.exposeInt('limit', { description: 'Most on a page, as asked for.' }),
    skip: t.exposeInt('skip', { description: 'How many come before this page, as asked for.' }),
    pages: t.exposeInt('pages', { description: 'Pages of `limit` that `total` makes.' }),
    hasMore: t.exposeBoolean('hasMore', { description: 'Whether more come after this page.' }),
  }),
})
