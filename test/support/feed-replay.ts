import type { App } from '../../src/app.ts'
import { sightOf } from '../../src/auth/sight.ts'
import { connectionLogKind } from '../../src/connections/kind.ts'
import type { FeedStateRow } from '../../src/database/following.ts'
import { createInstanceSecret } from '../../src/database/instance.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createFeedCursorCodec } from '../../src/logs/feed-cursor.ts'

/**
 * What the feed gives to one who comes back to its beginning.
 * @param atLeast it may take a moment: transactions of other tests on the same server keep it back
 */
export async function replayed(
  { database, connectionLogs }: App,
  { nowMs, atLeast }: { nowMs: number; atLeast: number },
): Promise<string[]> {
  const [state] = await database.query<FeedStateRow>(database.dialect.feedState(connectionLogKind.table))
  const codec = createFeedCursorCodec(
    await createInstanceSecret(database, () => nowMs)(),
    sightOf({ userId: null }),
  )
  const beginning = { place: { position: 0n, id: '', userId: '' }, sinceMs: Number.MAX_SAFE_INTEGER }
  const cursor = codec.encode(beginning, state?.lineage ?? '')
  const stream = await connectionLogs.follow({}, { cursor, field: 'after' })
  const ids: string[] = []
  const over = new AbortController()
  const reading = (async () => {
    for await (const { log } of stream) ids.push(log.id)
    over.abort()
  })()
  while (!over.signal.aborted && !(stream.isWaiting() && ids.length >= atLeast)) await systemClock.sleep(1)
  await stream.return()
  await reading
  return ids
}
