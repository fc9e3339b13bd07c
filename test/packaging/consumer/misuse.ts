/**
 * What must not compile. It is never run: types.test.ts takes the expectations out, and the compiler then has to complain
 * of just these lines, and of what each names.
 */
import { type Connlog, createConnlog, createNodeListener } from 'connlog'
// @ts-expect-error -- `AppErrors`: what there is not
import type { AppErrors } from 'connlog'
// @ts-expect-error -- `connlog/dist/app.js`: what is not for users
import type { App } from 'connlog/dist/app.js'

const event = { platform: 'tiktok', eventType: 'disconnect', connectionMethod: 'oauth' } as const

// @ts-expect-error -- `databaseURL`: an option by another name
createConnlog({ databaseURL: 'file:./connlog.db' })
// @ts-expect-error -- `port`: an option that only a process has
createConnlog({ port: 4000 })
// @ts-expect-error -- `'true'`: days that are no number
createConnlog({ retentionDays: true })
// @ts-expect-error -- `Connlog`: connlog instead of its fetch
createNodeListener(createConnlog())

export async function misuse(connlog: Connlog) {
  // @ts-expect-error -- `connectionMethod`: an event without it
  await connlog.record({ platform: 'tiktok', eventType: 'disconnect' })
  // @ts-expect-error -- `"DISCONNECT"`: the words of GraphQL
  await connlog.record({ ...event, eventType: 'DISCONNECT' })
  // @ts-expect-error -- `number`: an id that is no text
  await connlog.record({ ...event, userId: 7 })
  // @ts-expect-error -- `reason`: a field that an error does not have
  await connlog.record({ ...event, error: { reason: 'denied' } })
  // @ts-expect-error -- `Date`: a Date where RFC 3339 is wanted
  await connlog.record({ ...event, createdAt: new Date() })
  const { log } = await connlog.record(event)
  // @ts-expect-error -- `toISOString`: an instant that is milliseconds
  log.createdAt.toISOString()
}

export type { App, AppErrors }
