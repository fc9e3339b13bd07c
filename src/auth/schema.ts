import { builder } from '../graphql/builder.ts'
import type { Context } from '../graphql/context.ts'
import type { RateLimit } from './rate-limit.ts'
import { SCOPES } from './scopes.ts'

export const ScopeEnum = builder.enumType('Scope', {
  description: 'What a key may do.',
  values: {
    LOGS_READ: { value: 'logs:read', description: SCOPES['logs:read'] },
    LOGS_WRITE: { value: 'logs:write', description: SCOPES['logs:write'] },
    ADMIN: { value: 'admin', description: SCOPES.admin },
  } as const,
})

const RateLimitType = builder.objectRef<RateLimit>('RateLimit').implement({
  description:
    "What is left of the allowance of a key's user, or of a service key: as many requests as a minute's limit at once, refilled evenly. Heavy requests count as several.",
  fields: (t) => ({
    limit: t.exposeInt('limit', { description: 'Requests a minute, and at once.' }),
    remaining: t.exposeInt('remaining', { description: 'Requests that can be made now.' }),
    resetAt: t.expose('resetAt', {
      type: 'DateTime',
      description: 'When the allowance is whole again if nothing is spent meanwhile.',
    }),
  }),
})

const ViewerType = builder.objectRef<Pick<Context, 'principal' | 'rateLimit'>>('Viewer').implement({
  description: 'The key that asks.',
  fields: (t) => ({
    keyId: t.id({
      nullable: true,
      description: 'Public id of the key.',
      resolve: ({ principal }) => principal.keyId,
    }),
    name: t.string({
      nullable: true,
      description: 'Name that the key was given.',
      resolve: ({ principal }) => principal.name,
    }),
    userId: t.id({
      nullable: true,
      description: 'The one user whose logs the key reaches; null for a service key, which reaches all.',
      resolve: ({ principal }) => principal.userId,
    }),
    scopes: t.field({
      type: [ScopeEnum],
      description: 'What the key may do.',
      resolve: ({ principal }) => [...principal.scopes],
    }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the key expires; null for never.',
      resolve: ({ principal }) => principal.expiresAt,
    }),
    rateLimit: t.field({
      type: RateLimitType,
      nullable: true,
      description: 'What is left of its requests; null where there is no limit.',
      resolve: ({ rateLimit }) => rateLimit(),
    }),
  }),
})

builder.queryField('viewer', (t) =>
  t.field({
    type: ViewerType,
    needs: 'any key',
    description: 'The key that asks: whose it is and what it may do.',
    resolve: (_, __, context) => context,
  }),
)
