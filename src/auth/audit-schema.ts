import { builder } from '../graphql/builder.ts'
import { STATEMENT, costs } from '../graphql/cost.ts'
import { OffsetPaginationType, offsetArgs, pageSize } from '../graphql/offset-pagination.ts'
import { AUDIT_ACTIONS, type AuditEntry } from './audit-log.ts'
import type { AuditLogPage } from './managed-keys.ts'

const AuditActionEnum = builder.enumType('AuditAction', {
  description: 'What was done.',
  values: {
    KEY_CREATED: { value: 'key_created', description: AUDIT_ACTIONS.key_created },
    KEY_ROTATED: { value: 'key_rotated', description: AUDIT_ACTIONS.key_rotated },
    KEY_REVOKED: { value: 'key_revoked', description: AUDIT_ACTIONS.key_revoked },
    USER_ERASED: { value: 'user_erased', description: AUDIT_ACTIONS.user_erased },
  } as const,
})

const AuditActorEnum = builder.enumType('AuditActor', {
  description: 'Who did it.',
  values: {
    OPERATOR: { value: 'operator', description: 'Somebody at the command line, who needs no key.' },
    KEY: { value: 'key', description: 'Whoever held a key.' },
  } as const,
})

const AuditEntryType = builder.objectRef<AuditEntry>('AuditLogEntry').implement({
  description: 'One thing that was done with keys. It is never changed.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Id of the entry.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was done.' }),
    action: t.expose('action', { type: AuditActionEnum, description: 'What was done.' }),
    actor: t.expose('actor', { type: AuditActorEnum, description: 'Who did it.' }),
    actorKeyId: t.exposeID('actorKeyId', {
      nullable: true,
      description: 'Id of the key that did it; null for the operator, and for a key that went with its user.',
    }),
    keyId: t.exposeID('keyId', {
      nullable: true,
      description: 'Id of the key that it was done with; null where a user was erased.',
    }),
    userId: t.exposeID('userId', {
      nullable: true,
      description: 'User of that key; null for a service key, and where a user was erased.',
    }),
    details: t.expose('details', {
      type: 'JSONObject',
      description:
        'What else is to be known: name, scopes and end of a new key, the key in the place of an old one.',
    }),
  }),
})

const AuditLogPageType = builder.objectRef<AuditLogPage>('AuditLogPage').implement({
  description: 'Some entries of the audit log, the latest first, and where they stand among all that match.',
  fields: (t) => ({
    entries: t.expose('entries', {
      type: [AuditEntryType],
      description: 'The entries, the latest first.',
      extensions: costs({ size: pageSize }),
    }),
    pagination: t.expose('pagination', { type: OffsetPaginationType, description: 'Where the page stands.' }),
  }),
})

const AuditFilterInput = builder.inputType('AuditLogFilter', {
  description: 'Which entries. An entry has to match every field that is given.',
  fields: (t) => ({
    userId: t.idList({
      reach: 'service key',
      description: 'What was done with keys of these users, at most 100.',
    }),
    keyId: t.idList({ description: 'What was done with these keys, at most 100.' }),
    actorKeyId: t.idList({ description: 'What was done by these keys, at most 100.' }),
    action: t.field({ type: [AuditActionEnum], description: 'Only these actions.' }),
  }),
})

builder.queryField('auditLog', (t) =>
  t.field({
    type: AuditLogPageType,
    needs: 'admin',
    extensions: costs({ weight: STATEMENT }),
    description:
      'What was done with keys, when and by whom, the latest first. The key of a user sees what was done with the keys of that user alone.',
    args: {
      filter: t.arg({ type: AuditFilterInput, description: 'Which entries; all of them if absent.' }),
      ...offsetArgs(t.arg, 'Entries'),
    },
    resolve: (_, { filter, ...paging }, { managedKeys }) => managedKeys.auditLog(filter ?? {}, paging),
  }),
)
