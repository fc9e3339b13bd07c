import { auditServer } from 'graphql-http'
import { it } from 'vitest'
import { startTestApp } from '/work/main/test/support/app.ts'
it('audit', async () => {
  const app = await startTestApp('sqlite')
  const key = await app.key(null)
  const rs = await auditServer({ url: 'http://connlog.test/graphql', fetchFn: async (u: string, i: RequestInit) => { const h = new Headers(i?.headers); h.set('authorization', 'Bearer ' + key); return app.fetch(new Request(u, { ...i, headers: h })) } })
  for (const r of rs) if (r.status !== 'ok') console.log(r.status, r.id, r.name, (r as {reason?: string}).reason)
  console.log(rs.length)
})
