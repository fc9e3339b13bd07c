import type { ConnectionLogs } from './connection-logs.ts'
import type { Platforms } from './event.ts'
import { maxDays } from './paging.ts'

/**
 * Platforms of stored logs that are not accepted: EXTRA_PLATFORMS named them once, or does so for another process. Their
 * logs can be read, but not filtered by.
 */
export async function unlistedPlatforms(
  logs: Pick<ConnectionLogs, 'stats'>,
  { platforms, retentionMs }: { readonly platforms: Platforms; readonly retentionMs: number },
): Promise<string[]> {
  const { byPlatform } = await logs.stats({}, { days: maxDays(retentionMs) })
  return byPlatform.map(({ platform }) => platform).filter((platform) => !platforms.includes(platform))
}
