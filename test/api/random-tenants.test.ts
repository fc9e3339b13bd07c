import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, inject, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { createTestClock } from '../support/clock.ts'
import { PROVIDERS, type Provider } from '../support/databases.ts'
import { intercept, unbound, withoutTenant } from '../support/statements.ts'
import {
  TENANTS,
  type TenantOperation,
  createTenantOperations,
  leaksIn,
  userOf,
} from '../support/tenant-operations.ts'

const NOW = Date.parse('2026-11-20T12:00:00.000Z')
const SIDE_BY_SIDE = 24
/** It takes as long as the machine takes. */
const NO_LIMIT = { timeout: 3_600_000 }
const { operations } = inject('tenants')

/** Runs random operations of three tenants and a service side by side. @returns what was seen that is another's */
async function run(provider: Provider, count: number, { forgetful }: { forgetful: boolean }) {
  const app = await startTestApp(provider, { clock: createTestClock(NOW), env: { NODE_ENV: 'production' } })
  const source = await createTenantOperations(app, { nowMs: NOW, seed: 1 })
  const leaks: string[] = []
  const wrong = new Set<string | undefined>()
  const done = new Map<string, number>()
  const seen = new Set<string>()
  const asking = new AsyncLocalStorage<TenantOperation>()
  let statements = 0

  intercept(app.database, (statement) => {
    const operation = asking.getStore()
    const [tenant, another] = operation?.sees ?? []
    if (operation && tenant && !another) {
      statements += 1
      const others = TENANTS.filter((one) => one !== tenant).map(userOf)
      wrong.add(unbound(statement, userOf(tenant), others))
    }
    return forgetful && operation ? withoutTenant(statement) : statement
  })

  let next = 0
  const work = async () => {
    while (next < count) {
      const index = next++
      const operation = source.make(index)
      // Writes of several tenants share transactions.
      const answer = await (operation.writes ? operation.run() : asking.run(operation, operation.run))
      done.set(operation.kind, (done.get(operation.kind) ?? 0) + 1)
      if (/"code":"INTERNAL"|wrong on our side/.test(answer))
        leaks.push(`${index} ${operation.kind}: ${answer}`)
      leaks.push(
        ...leaksIn(answer, operation, source.attempted).map(
          (leak) => `${operation.kind}: ${leak} (${index})`,
        ),
      )
      for (const { name } of TENANTS) if (answer.includes(name)) seen.add(`${operation.sees.length} ${name}`)
    }
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work))
  return { leaks, wrong, done, seen, statements }
}

describe.each(PROVIDERS)('three tenants on %s', (provider) => {
  it(`see nothing of each other in ${operations} random operations`, NO_LIMIT, async () => {
    const { leaks, wrong, done, seen, statements } = await run(provider, operations, { forgetful: false })
    expect(leaks).toEqual([])
    expect([...wrong]).toEqual([undefined])
    expect([...done.values()].reduce((sum, n) => sum + n, 0)).toBe(operations)
    expect(Math.min(...done.values())).toBeGreaterThan(operations / 500)
    expect(done.size).toBe(11)
    // Each sees its own, and a service all of them.
    expect([...seen].sort()).toEqual(
      [1, TENANTS.length].flatMap((sees) => TENANTS.map(({ name }) => `${sees} ${name}`)).sort(),
    )
    expect(statements).toBeGreaterThan(operations / 2)
  })

  it('would be seen to leak through every read, if the store forgot the tenant', NO_LIMIT, async () => {
    const { leaks } = await run(provider, 600, { forgetful: true })
    const kinds = new Set(leaks.map((leak) => leak.split(':')[0]))
    expect(kinds).toEqual(
      new Set(['CSV', 'REST', 'by cursor', 'by id', 'page', 'page as text', 'statistics']),
    )
  })
})
