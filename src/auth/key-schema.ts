import { builder } from '../graphql/builder.ts'
import { STATEMENT, costs } from '../graphql/cost.ts'
import { OffsetPaginationType, offsetArgs, pageSize } from '../graphql/offset-pagination.ts'
import { SECOND_MS } from '../kernel/clock.ts'
import { DEFAULT_OVERLAP_MS, MAX_OVERLAP_MS, type NewKey, type RotatedKey } from './key-store.ts'
import type { ApiKeyPage } from './managed-keys.ts'
import { ScopeEnum } from './schema.ts'
import type { ApiKey } from './stored-key.ts'

const ApiKeyType = builder.objectRef<ApiKey>('ApiKey').implement({
  description: 'A key, without its secret.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Public id: the part of the key between `clk_` and the next `_`.' }),
    userId: t.exposeID('userId', {
      nullable: true,
      description: 'The one user whose logs the key reaches; null for a service key, which reaches all.',
    }),
    name: t.exposeString('name', { nullable: true, description: 'Name that it was given.' }),
    scopes: t.expose('scopes', { type: [ScopeEnum], description: 'What it may do.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    createdBy: t.exposeID('createdBy', {
      nullable: true,
      description: 'Id of the key that made it; null for the operator at the command line.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'From this instant on it is refused; null for never.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null if it was not.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, up to a minute behind; null for a key that was never used.',
    }),
    rotatedFrom: t.exposeID('rotatedFrom', {
      nullable: true,
      description: 'Id of the key that it stands in for.',
    }),
    rotatedTo: t.exposeID('rotatedTo', {
      nullable: true,
      description: 'Id of the key that stands in for it; it is good until `expiresAt`.',
    }),
  }),
})

const ApiKeyPageType = builder.objectRef<ApiKeyPage>('ApiKeyPage').implement({
  description: 'Some keys, newest first, and where they stand among all that match.',
  fields: (t) => ({
    apiKeys: t.expose('apiKeys', {
      type: [ApiKeyType],
      description: 'The keys of the page, newest first.',
      extensions: costs({ size: pageSize }),
    }),
    pagination: t.expose('pagination', { type: OffsetPaginationType, description: 'Where the page stands.' }),
  }),
})

const ApiKeyFilterInput = builder.inputType('ApiKeyFilter', {
  description: 'Which keys. A key has to match every field that is given.',
  fields: (t) => ({
    userId: t.idList({ reach: 'service key', description: 'Keys of these users, at most 100.' }),
    active: t.boolean({
      description: 'true: only keys that are good now; false: only those that are revoked or expired.',
    }),
  }),
})

const CreateInput = builder.inputType('CreateApiKeyInput', {
  description: 'What the new key is to be.',
  fields: (t) => ({
    userId: t.id({
      reach: 'own user',
      description: 'The user whose logs it reaches. The key of a user may leave it out.',
    }),
    service: t.boolean({
      reach: 'service key',
      description:
        'true for a service key, which reaches the logs of all users. A service key says either this or `userId`.',
    }),
    scopes: t.field({
      type: [ScopeEnum],
      description: 'What it may do; LOGS_READ and LOGS_WRITE if absent. The asking key has to have them all.',
    }),
    name: t.string({ description: 'A name to know it by: 1 to 100 characters.' }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'When it is to expire; never if absent. No later than the asking key does.',
    }),
  }),
})

const KEY = 'The key itself. It is shown this once; only its hash is kept.'

const CreatedType = builder.objectRef<NewKey>('CreateApiKeyPayload').implement({
  description: 'A new key.',
  fields: (t) => ({
    key: t.exposeString('key', { description: KEY }),
    apiKey: t.expose('apiKey', { type: ApiKeyType, description: 'The key without its secret.' }),
  }),
})

const RotatedType = builder.objectRef<RotatedKey>('RotateApiKeyPayload').implement({
  description: 'A new key in the place of another one.',
  fields: (t) => ({
    key: t.exposeString('key', { description: KEY }),
    apiKey: t.expose('apiKey', { type: ApiKeyType, description: 'The new key without its secret.' }),
    replaced: t.expose('replaced', {
      type: ApiKeyType,
      description: 'The key that was replaced; `expiresAt` is its end.',
    }),
  }),
})

const RevokedType = builder.objectRef<{ apiKey: ApiKey }>('RevokeApiKeyPayload').implement({
  description: 'A key that is revoked.',
  fields: (t) => ({
    apiKey: t.expose('apiKey', { type: ApiKeyType, description: 'The key; `revokedAt` tells since when.' }),
  }),
})

builder.queryField('apiKeys', (t) =>
  t.field({
    type: ApiKeyPageType,
    needs: 'admin',
    extensions: costs({ weight: STATEMENT }),
    description: 'Keys, newest first. The key of a user sees the keys of that user alone.',
    args: {
      filter: t.arg({ type: ApiKeyFilterInput, description: 'Which keys; all of them if absent.' }),
      ...offsetArgs(t.arg, 'Keys'),
    },
    resolve: (_, { filter, ...paging }, { managedKeys }) => managedKeys.page(filter ?? {}, paging),
  }),
)

builder.mutationFields((t) => ({
  createApiKey: t.field({
    type: CreatedType,
    needs: 'admin',
    extensions: costs({ weight: STATEMENT }),
    description: 'Makes a key, of the own user where the key of a user asks. No key makes a stronger one.',
    args: { input: t.arg({ type: CreateInput, required: true, description: 'What it is to be.' }) },
    resolve: (_, { input }, { managedKeys }) => managedKeys.create(input),
  }),
  rotateApiKey: t.field({
    type: RotatedType,
    needs: 'admin',
    extensions: costs({ weight: STATEMENT }),
    description:
      'Makes a key in the place of another one: with its user, scopes, name and lifetime, which begins anew, though not to end later than that of the asking key. The old one stays good for a while. The asking key has to have all scopes of the key.',
    args: {
      id: t.arg.id({ required: true, description: 'Id of the key to replace.' }),
      overlapSeconds: t.arg.int({
        defaultValue: DEFAULT_OVERLAP_MS / SECOND_MS,
        description: `For how long the old key stays good, though never for longer than it was: 0 to ${MAX_OVERLAP_MS / SECOND_MS} seconds.`,
      }),
    },
    resolve: (_, { id, overlapSeconds }, { managedKeys }) => managedKeys.rotate(id, overlapSeconds),
  }),
  revokeApiKey: t.field({
    type: RevokedType,
    needs: 'admin',
    extensions: costs({ weight: STATEMENT }),
    description:
      'Ends a key for good: within 5 seconds it is refused everywhere. A key that is revoked already stays as it is.',
    args: { id: t.arg.id({ required: true, description: 'Id of the key.' }) },
    resolve: async (_, { id }, { managedKeys }) => ({ apiKey: await managedKeys.revoke(id) }),
  }),
}))
