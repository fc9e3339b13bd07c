import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { OPERATOR } from '../auth/principal.ts'
import { type IngestSummary, ingestLines, ingestValues } from '../connections/ndjson.ts'
import { SECOND_MS, systemClock } from '../kernel/clock.ts'
import { idSchema, parseInput } from '../kernel/text.ts'
import { readLateDocument } from './late-document.ts'
import { CommandError, type Terminal, count, print } from './terminal.ts'
import { withMigratedApp } from './with-app.ts'

export interface ImportOptions {
  readonly user?: string
}

/**
 * `connlog import FILE|-`: newline-delimited JSON, or a JSON page as Late's API answers. May be repeated: what is
 * there already is not stored again. Every line that is not taken is named with its reason.
 * @returns the exit code: 1 if a line was rejected
 */
export async function importLogs(terminal: Terminal, file: string, { user }: ImportOptions): Promise<number> {
  const userId = user === undefined ? null : parseInput(idSchema, user, 'user')
  return withMigratedApp(terminal, async ({ app }) => {
    const logs = app.connectionLogsOf({ ...OPERATOR, userId })
    const startedAt = systemClock.now()
    const onProgress = terminal.stderr.isTTY
      ? (soFar: IngestSummary) => showProgress(terminal, soFar, startedAt)
      : undefined
    const options = onProgress ? { onProgress } : {}
    const document = await readLateDocument(open(terminal, file)).catch((error: unknown) => {
      throw error instanceof CommandError
        ? error
        : new CommandError(`Could not read ${file}: ${readReason(error)}.`)
    })
    const summary = document.isWhole
      ? await ingestValues(document.logs, logs, options)
      : await ingestLines(document.rest, logs, options)
    await app.counts.merge()
    if (onProgress) terminal.stderr.write('\n')
    for (const { line, error } of summary.errors) {
      terminal.stderr.write(`${document.isWhole ? 'log' : 'line'} ${line}: ${error}\n`)
    }
    const { accepted, duplicates, rejected } = summary
    print(
      terminal,
      `${count(accepted)} stored, ${count(duplicates)} there already, ${count(rejected)} rejected.`,
    )
    return rejected > 0 ? 1 : 0
  })
}

const open = ({ stdin }: Terminal, file: string): Readable => (file === '-' ? stdin : createReadStream(file))

function showProgress(
  { stderr }: Terminal,
  { accepted, duplicates, rejected }: IngestSummary,
  startedAt: number,
): void {
  const done = accepted + duplicates + rejected
  const seconds = Math.max(1, systemClock.now() - startedAt) / SECOND_MS
  stderr.write(`\r${count(done)} logs, ${count(Math.round(done / seconds))} a second`)
}

function readReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EISDIR') return 'it is a directory'
  if (code === 'EACCES') return 'this user may not read it'
  return code || 'the system refused'
}
