/** What a key may do. A key holds one or more; none includes another. */
export const SCOPES = {
  'logs:read': 'Read connection logs.',
  'logs:write': 'Record connection logs.',
  admin: 'Delete expired logs, erase users and accounts, look after keys.',
} as const

export type Scope = keyof typeof SCOPES

/** What a key must have for a field or a route to answer it; `any key` asks for no scope. */
export type Needs = Scope | 'any key'

/** Who may ask for what reaches beyond one user, or name a user in an argument. */
export const REACHES = {
  'service key': 'Only for service keys.',
  'own user': 'The key of a user may name its own user alone.',
} as const

export type Reach = keyof typeof REACHES

export const ALL_SCOPES = Object.keys(SCOPES) as Scope[]
export const DEFAULT_SCOPES: readonly Scope[] = ['logs:read', 'logs:write']

export const isScope = (text: string): text is Scope => Object.hasOwn(SCOPES, text)
