import { builder } from '../../graphql/builder.ts'
import { STATEMENT, costs } from '../../graphql/cost.ts'
import { OffsetPaginationType, offsetArgs, pageSize } from '../../graphql/offset-pagination.ts'
import { asRows, asText } from '../../graphql/source.ts'
import type { ConnectionLogPage } from '../connection-logs.ts'
import type { ConnectionFilterInput } from '../filter.ts'
import { DAYS_DESCRIPTION, type PagingInput } from '../paging.ts'
import { ConnectionLogFilterInput } from './filter.ts'
import { ConnectionLogType } from './log.ts'
import { pageWeight } from './prices.ts'

const ConnectionLogPageType = builder.objectRef<ConnectionLogPage>('ConnectionLogPage').implement({
  description: 'Some connection logs, newest first, and where they stand among all that match.',
  fields: (t) => ({
    logs: t.expose('logs', {
      type: [ConnectionLogType],
      description: 'The logs of the page, newest first.',
      extensions: { ...asRows(), ...costs({ size: pageSize }) },
    }),
    pagination: t.expose('pagination', { type: OffsetPaginationType, description: 'Where the page stands.' }),
  }),
})

interface PageArguments extends PagingInput {
  readonly filter?: ConnectionFilterInput | null
}

builder.queryFields((t) => ({
  connectionLogs: t.field({
    type: ConnectionLogPageType,
    needs: 'logs:read',
    description: 'Connection logs that match the filter, newest first, with an exact total.',
    args: {
      filter: t.arg({ type: ConnectionLogFilterInput, description: 'Which logs; all of them if absent.' }),
      days: t.arg.int({ description: DAYS_DESCRIPTION }),
      ...offsetArgs(t.arg, 'Logs'),
    },
    resolve: (_, { filter, ...paging }, { connectionLogs }) => connectionLogs.page(filter ?? {}, paging),
    extensions: {
      ...asText(({ filter, ...paging }: PageArguments, { connectionLogs }, shape) =>
        connectionLogs.pageText(filter ?? {}, paging, shape),
      ),
      ...costs({ weight: pageWeight }),
    },
  }),
  connectionLog: t.field({
    type: ConnectionLogType,
    nullable: true,
    needs: 'logs:read',
    description:
      'The log with this id; null if there is none, if it has expired, or if it is not for this key to see.',
    args: { id: t.arg.id({ required: true, description: 'Id of the log.' }) },
    resolve: (_, { id }, { connectionLogs }) => connectionLogs.get(id),
    extensions: costs({ weight: STATEMENT }),
  }),
}))
