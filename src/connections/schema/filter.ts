import type { InputRef } from '@pothos/core'
import { builder } from '../../graphql/builder.ts'
import type { ConnectionFilterInput } from '../filter.ts'
import { ConnectionEventTypeEnum, ConnectionMethodEnum, ConnectionStatusEnum, PlatformEnum } from './enums.ts'

/** The input as the domain reads it: what GraphQL hands over is the same value, part by part. */
export const ConnectionLogFilterInput: InputRef<ConnectionFilterInput> = builder
  .inputRef<ConnectionFilterInput>('ConnectionLogFilter')
  .implement({
    description:
      'Which logs are meant. Parts are joined by AND, the values of a list by OR; a single value in a document is accepted for a list of one, while a variable has to be declared as a list. An empty list matches nothing, and omitted or null parts are ignored. Lists hold at most 100 values.',
    fields: (t) => ({
      platform: t.field({ type: [PlatformEnum], description: 'Platforms.' }),
      eventType: t.field({ type: [ConnectionEventTypeEnum], description: 'Event types.' }),
      status: t.field({
        type: ConnectionStatusEnum,
        description: 'Shorthand over event types; together with `eventType` both must hold.',
      }),
      connectionMethod: t.field({
        type: [ConnectionMethodEnum],
        description: 'Ways in which connections were begun.',
      }),
      profileId: t.field({ type: ['ID'], description: 'Profiles.' }),
      accountId: t.field({ type: ['ID'], description: 'Accounts.' }),
      errorCode: t.field({ type: ['String'], description: 'Error codes, compared exactly.' }),
      userId: t.field({
        type: ['ID'],
        reach: 'service key',
        description: 'Users.',
      }),
      createdAfter: t.field({ type: 'DateTime', description: 'Earliest instant, inclusive.' }),
      createdBefore: t.field({ type: 'DateTime', description: 'Latest instant, exclusive.' }),
      search: t.string({
        description:
          'Words, without regard to case: each must begin a word of the error code, the error message, the username or the display name. At most 10 words and 256 characters.',
      }),
    }),
  })
