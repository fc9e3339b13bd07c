import { formatInstant } from '../kernel/instant.ts'
import { type Terminal, count, print } from './terminal.ts'
import { withMigratedApp } from './with-app.ts'

/** `connlog cleanup`: deletes expired logs now, or counts them. */
export async function cleanup(terminal: Terminal, { dryRun = false }: { dryRun?: boolean }): Promise<void> {
  await withMigratedApp(terminal, async ({ app }) => {
    const { deleted, cutoffMs } = await app.connectionLogs.cleanup(dryRun)
    const verb = dryRun ? 'would be deleted' : 'deleted'
    print(
      terminal,
      `${count(deleted)} expired ${deleted === 1 ? 'log' : 'logs'} ${verb}: those created up to ${formatInstant(cutoffMs)}.`,
    )
  })
}
