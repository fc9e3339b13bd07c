import { unlistedPlatforms } from '../../connections/unlisted-platforms.ts'
import type { Core } from '../../core.ts'
import { type Finding, note } from '../../database/finding.ts'

export async function checkPlatforms({
  connectionLogs,
  platforms,
  retentionMs,
}: Pick<Core, 'connectionLogs' | 'platforms' | 'retentionMs'>): Promise<Finding[]> {
  const unlisted = await unlistedPlatforms(connectionLogs, { platforms, retentionMs })
  if (unlisted.length === 0) return []
  const names = unlisted.join(', ')
  return [
    note(
      `platforms: logs of ${names} are stored, which can be read but not filtered by. Add ${names} to EXTRA_PLATFORMS`,
    ),
  ]
}
