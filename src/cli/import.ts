import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { type Readable, addAbortSignal } from 'node:stream'
import { actingFor } from '../auth/principal.ts'
import { createContentIds } from '../connections/content-id.ts'
import { type IngestSummary, ingestLines, ingestValues } from '../connections/ndjson.ts'
import { systemClock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { idSchema, parseInput } from '../kernel/text.ts'
import { counted, doneOf, tellRejected } from './ingest-report.ts'
import { readLateDocument } from './late-document.ts'
import { createProgress } from './progress.ts'
import { CommandError, type Terminal, print } from './terminal.ts'
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
    const logs = app.connectionLogsOf(actingFor(userId))
    const progress = createProgress(terminal, systemClock)
    const source = await open(terminal, file)
    const withContentId = createContentIds()
    let [unit, partDone] = ['line', source.partRead]
    let summary: IngestSummary = { accepted: 0, duplicates: 0, rejected: 0, errors: [] }
    const options = {
      prepare: (value: unknown) => {
        terminal.stop.throwIfAborted()
        return withContentId(value)
      },
      onProgress: (soFar: IngestSummary) => {
        summary = soFar
        progress.show({ done: doneOf(soFar), part: partDone() })
      },
    }
    try {
      const document = await readLateDocument(source.chunks)
      if (document.isWhole) {
        unit = 'log'
        partDone = () => doneOf(summary) / document.logs.length
      }
      summary = document.isWhole
        ? await ingestValues(document.logs, logs, options)
        : await ingestLines(document.rest, logs, systemClock, options)
    } catch (error) {
      const why = terminal.stop.aborted ? 'Stopped.' : unavailability(error)
      if (why === undefined) throw error
      throw new CommandError(`${why} So far ${counted(summary)}. Run it again to go on.`)
    } finally {
      progress.end()
      const errors = summary.errors.map(({ line, error }) => ({ name: `${unit} ${line}`, error }))
      tellRejected(terminal, errors, summary.rejected)
    }
    await app.counts.merge()
    print(terminal, `${counted(summary)}.`)
    return summary.rejected > 0 ? 1 : 0
  })
}

/** What a database that fails amid an import says. */
const unavailability = (error: unknown): string | undefined =>
  error instanceof AppError && error.code === 'SERVICE_UNAVAILABLE' ? error.message : undefined

interface Source {
  readonly chunks: AsyncIterable<Uint8Array>
  /** How much of it has been read, 0 to 1; undefined where its end is not known. */
  partRead(): number | undefined
}

/** Opens the file or standard input; once the command is to stop, reading fails. */
async function open({ stdin, stop }: Terminal, file: string): Promise<Source> {
  if (file === '-') return { chunks: readable(addAbortSignal(stop, stdin), file), partRead: () => undefined }
  const size = await stat(file).then(
    (found) => (found.isFile() ? found.size : 0),
    () => 0,
  )
  const stream = createReadStream(file, { signal: stop })
  return {
    chunks: readable(stream, file),
    partRead: () => (size === 0 ? undefined : Math.min(1, stream.bytesRead / size)),
  }
}

async function* readable(stream: Readable, file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* stream
  } catch (error) {
    throw new CommandError(`Could not read ${file}: ${readReason(error)}.`)
  }
}

function readReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EISDIR') return 'it is a directory'
  if (code === 'EACCES') return 'this user may not read it'
  return code || 'the system refused'
}
