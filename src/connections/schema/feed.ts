import { builder } from '../../graphql/builder.ts'
import { STATEMENT, costs } from '../../graphql/cost.ts'
import type { After, ConnectionLogEvent } from '../follow.ts'
import { ConnectionLogFilterInput } from './filter.ts'
import { ConnectionLogType } from './log.ts'

const EventType = builder.objectRef<ConnectionLogEvent>('ConnectionLogEvent').implement({
  description: 'A log that was recorded.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      description:
        'Where to go on from: given to `after`, all that was recorded after this log comes, once each and in order. Opaque; good for as long as logs are kept.',
    }),
    log: t.expose('log', { type: ConnectionLogType, description: 'The log.' }),
  }),
})

builder.queryField('connectionLogFeedCursor', (t) =>
  t.string({
    needs: 'logs:read',
    extensions: costs({ weight: STATEMENT }),
    description:
      'The cursor of this moment. To miss nothing and see nothing twice, ask for it, then for what is there, then subscribe after it.',
    resolve: (_, __, { connectionLogs }) => connectionLogs.feedCursor(),
  }),
)

builder.subscriptionField('connectionLogRecorded', (t) =>
  t.field({
    type: EventType,
    needs: 'logs:read',
    extensions: costs({ weight: STATEMENT }),
    description:
      'Connection logs that match the filter as they are recorded, in the order in which they became visible.',
    args: {
      filter: t.arg({ type: ConnectionLogFilterInput, description: 'Which logs; all of them if absent.' }),
      after: t.arg.string({
        description:
          'Cursor of the last event that was seen; at this moment if absent. The header `Last-Event-ID` goes before it.',
      }),
    },
    subscribe: async (_, { filter, after }, { connectionLogs, lastEventId, subscription }) => {
      const stream = await connectionLogs.follow(filter ?? {}, afterOf(lastEventId, after))
      subscription.stream = stream
      return stream
    },
    resolve: (event) => event,
  }),
)

/** A client that comes back sends the address it began with, `after` and all, and what it has seen last. */
function afterOf(lastEventId: string | null, after: string | null | undefined): After | undefined {
  if (lastEventId !== null) return { cursor: lastEventId, field: 'Last-Event-ID' }
  return typeof after === 'string' ? { cursor: after, field: 'after' } : undefined
}
