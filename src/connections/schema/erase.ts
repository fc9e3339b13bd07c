import { builder } from '../../graphql/builder.ts'
import { costs } from '../../graphql/cost.ts'
import type { ErasureReceipt } from '../erase.ts'
import { MAINTENANCE } from './prices.ts'

const EraseType = builder.objectRef<ErasureReceipt>('ErasePayload').implement({
  description:
    'What an erasure did, or would do. It is told to the one who asks and kept nowhere, but for an entry in the audit log that a user was erased, which does not say whom.',
  fields: (t) => ({
    userId: t.exposeID('userId', { nullable: true, description: 'The user, as it was given.' }),
    accountId: t.exposeID('accountId', { nullable: true, description: 'The account, as it was given.' }),
    dryRun: t.exposeBoolean('dryRun', { description: 'Whether nothing was erased in fact.' }),
    logs: t.exposeInt('logs', {
      description: 'How many logs were erased, expired ones included, or would be with `dryRun`.',
    }),
    eventIds: t.exposeInt('eventIds', { description: 'How many remembered event ids, in the same way.' }),
    apiKeys: t.exposeInt('apiKeys', {
      description: 'How many keys of the user, in the same way; 0 where an account is named.',
    }),
    begunAt: t.expose('begunAt', { type: 'DateTime', description: 'When it began.' }),
    endedAt: t.expose('endedAt', { type: 'DateTime', description: 'When it ended.' }),
    scrubbed: t.exposeBoolean('scrubbed', {
      description:
        'Whether the space of what was erased has been cleaned up: overwritten on SQLite, given back on Postgres.',
    }),
    remark: t.exposeString('remark', {
      nullable: true,
      description: 'What is left to be done, or remains all the same, in sentences; null for nothing.',
    }),
  }),
})

builder.mutationField('eraseConnectionLogs', (t) =>
  t.field({
    type: EraseType,
    needs: 'admin',
    description:
      'Erases a user, keys included, or the logs of an account, for good and at once: logs, counts, the memory of event ids. With both, the account of that user. Erasing what is not there is no error.',
    args: {
      userId: t.arg.id({ reach: 'own user', description: 'The user to erase.' }),
      accountId: t.arg.id({
        description: 'The account whose logs are erased; with the key of a user, only those of that user.',
      }),
      dryRun: t.arg.boolean({ defaultValue: false, description: 'Only count what would be erased.' }),
    },
    resolve: (_, { userId, accountId, dryRun }, { connectionLogs }) =>
      connectionLogs.erase({ userId, accountId }, { dryRun: dryRun ?? false }),
    extensions: costs({ weight: MAINTENANCE }),
  }),
)
