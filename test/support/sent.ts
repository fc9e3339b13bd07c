import type { Sent } from '../../src/connections/record.ts'

/** What a producer sends for the smallest log there is, of one user's account. */
export const sentOf = (accountId: string, more: object = {}): Sent => ({
  at: '',
  value: {
    userId: 'u1',
    accountId,
    platform: 'reddit',
    eventType: 'disconnect',
    connectionMethod: 'oauth',
    ...more,
  },
})
