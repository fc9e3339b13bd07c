import { createHash } from 'node:crypto'

/**
 * Whose logs lie in the database. Pages are asked of three tenants; the rest is there so that theirs do not lie alone.
 *  - `small`: 355 logs, the size at which the cost of a page itself is measured
 *  - `mid`: 10^4 logs, what a tenant with many logs is held against
 *  - `big`: as many as were asked for
 * @param {number} logs of the big tenant
 */
export function tenantsFor(logs) {
  const others = Array.from({ length: 30 }, (_, rank) => ({
    name: `other-${rank + 1}`,
    // A tenth of the big one's, most of it with the first few, as customers are.
    logs: Math.max(50, Math.round((logs / 10) * (0.25 / (rank + 1)))),
  }))
  return [{ name: 'small', logs: 355 }, { name: 'mid', logs: 10_000 }, { name: 'big', logs }, ...others].map(
    (tenant) => ({
      ...tenant,
      userId: createHash('md5').update(`bench ${tenant.name}`).digest('hex').slice(0, 24),
    }),
  )
}
