/** What a key may do. A key holds one or more; none includes another. */
export const SCOPES = {
  'logs:read': 'Read connection logs.',
  'logs:write': 'Record connection logs.',
  admin: 'Delete expired logs, erase users and accounts, look after keys.',
} as const

export type Scope = keyof typeof SCOPES

export const ALL_SCOPES = Object.keys(SCOPES) as Scope[]
export const DEFAULT_SCOPES: readonly Scope[] = ['logs:read', 'logs:write']

export const isScope = (text: string): text is Scope => Object.hasOwn(SCOPES, text)
