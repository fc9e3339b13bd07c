import { Readable, pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { SourceError, peek } from './source.ts'

/** The first bytes of files that hold logs in a form that import does not read: what it is, and what to do. */
const REFUSED: readonly (readonly [head: string, what: string])[] = [
  ['\x28\xb5\x2f\xfd', 'is compressed with zstd. Unpack it: `zstd -dc FILE | connlog import -`'],
  ['\xfd7zXZ\x00', 'is compressed with xz. Unpack it: `xz -dc FILE | connlog import -`'],
  ['BZh', 'is compressed with bzip2. Unpack it: `bzip2 -dc FILE | connlog import -`'],
  ['\x04\x22\x4d\x18', 'is compressed with lz4. Unpack it: `lz4 -dc FILE | connlog import -`'],
  ['PK\x03\x04', 'is a zip archive. Unpack it: `unzip -p FILE | connlog import -`'],
  ['7z\xbc\xaf\x27\x1c', 'is a 7z archive. Unpack it: `7z x -so FILE | connlog import -`'],
  [
    'SQLite format 3\x00',
    'is an SQLite database. Export its logs: `DATABASE_URL=file:FILE connlog export | connlog import -`',
  ],
  ['PGDMP', 'is a dump of Postgres. Restore it into a database, and export that: `connlog export`'],
  ['PAR1', 'is a Parquet file. Write its rows as one JSON object a line'],
]
const TAR_AT = 257

/** Enough to tell all of them apart, except an archive of tar, whose mark comes late. */
const HEAD_BYTES = 4

/**
 * The stream itself, or what is packed in it where it is gzip, with any number of members.
 * @throws {SourceError} for other packings, and where gzip data is damaged or cut
 */
export async function* unpacked(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const { head, all } = await peek(chunks, HEAD_BYTES)
  if (head[0] === 0x1f && head[1] === 0x8b) {
    yield* unpacked(gunzipped(all, name), name)
    return
  }
  const start = Buffer.from(head).toString('latin1', 0, TAR_AT + 5)
  if (start.startsWith('ustar', TAR_AT))
    throw new SourceError(`${name} is a tar archive. Unpack it: \`tar -xOf FILE | connlog import -\`.`)
  const refused = REFUSED.find(
    ([mark]) => start.length >= HEAD_BYTES && mark.startsWith(start.slice(0, mark.length)),
  )
  if (refused) throw new SourceError(`${name} ${refused[1]}.`)
  yield* all
}

async function* gunzipped(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip()
  // A failure of either is thrown below, by the iteration.
  pipeline(Readable.from(chunks), gunzip, () => undefined)
  try {
    yield* gunzip as AsyncIterable<Uint8Array>
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!code.startsWith('Z_')) throw error
    const what = code === 'Z_BUF_ERROR' ? 'ends too early: it was cut' : 'is damaged'
    throw new SourceError(`${name} is compressed with gzip and ${what}. The logs before that were read.`)
  }
}
