import { formatInstant } from '../kernel/instant.ts'
import { CommandError, type Terminal, count, print, printExact } from './terminal.ts'
import { withMigratedApp } from './with-app.ts'

export interface CleanupOptions {
  readonly dryRun?: boolean
  readonly json?: boolean
}

/**
 * `connlog cleanup`: deletes expired logs now, or counts them. It goes by the retention of the services; told another
 * one it deletes nothing.
 */
export async function cleanup(
  terminal: Terminal,
  { dryRun = false, json = false }: CleanupOptions,
): Promise<void> {
  await withMigratedApp(terminal, async ({ app, config: { retentionDays } }) => {
    const { rememberedDays } = app
    if (retentionDays !== undefined && rememberedDays !== undefined && retentionDays !== rememberedDays) {
      throw new CommandError(
        `Expected \`RETENTION_DAYS\` to be ${rememberedDays}, as the services of this database have it, or not to be set, got ${retentionDays}. Nothing was deleted. To change it, start the service with it.`,
      )
    }
    const { deleted, isElsewhere, cutoffMs } = await app.connectionLogs.cleanup(dryRun)
    if (json) {
      printExact(terminal, JSON.stringify({ dryRun, deleted, cutoff: formatInstant(cutoffMs), isElsewhere }))
      return
    }
    const verb = dryRun ? 'would be deleted' : 'deleted'
    print(
      terminal,
      `${count(deleted)} expired ${deleted === 1 ? 'log' : 'logs'} ${verb}: those created up to ${formatInstant(cutoffMs)}.`,
    )
    if (isElsewhere) print(terminal, 'Another process is cleaning up at this moment. The rest is left to it.')
  })
}
