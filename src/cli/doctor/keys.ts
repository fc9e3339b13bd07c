import { type ApiKey, hasExpired } from '../../auth/stored-key.ts'
import { type Finding, note, ok } from '../../database/finding.ts'
import type { Clock } from '../../kernel/clock.ts'
import { count } from '../terminal.ts'

export function lookAtKeys(keys: readonly ApiKey[], clock: Clock): Finding {
  const unrevoked = keys.filter(({ revokedAt }) => revokedAt === null)
  const expired = unrevoked.filter(({ expiresAt }) => hasExpired(expiresAt, clock.now()))
  const valid = unrevoked.length - expired.length
  if (valid === 0)
    return note('keys: none is valid, so every request is refused. `connlog keys create` makes one')
  return ok(`keys: ${count(valid)} valid${expired.length > 0 ? `, ${count(expired.length)} expired` : ''}`)
}
