import { stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Finding, type Health, bytes, ok, wrong } from '../finding.ts'
import type { SqliteConnections } from './connections.ts'

const SYNCHRONOUS = ['OFF', 'NORMAL', 'FULL', 'EXTRA']

/** What has to be free beside the size of the database, which a migration or an erasure may need once more. */
const SPARE_BYTES = 100_000_000

export function createHealth({ path, sqliteVersion, transaction }: SqliteConnections): Health {
  const setting = (name: string): Promise<unknown> =>
    transaction(async (session) => {
      const [row] = await session.rows(`PRAGMA ${name}`)
      return Object.values(row ?? {})[0]
    })

  return {
    settings: async () => {
      const journal = String(await setting('journal_mode'))
      const level = Number(await setting('synchronous'))
      const values = `journal_mode=${journal}, synchronous=${SYNCHRONOUS[level] ?? level}`
      return [
        ok(`database: SQLite ${sqliteVersion}, ${path}`),
        // It is not opened otherwise; read back, so that nobody has to take that on trust.
        journal === 'wal' && level >= 2
          ? ok(`durability: ${values}: each commit is on disk before it is acknowledged`)
          : wrong(
              `durability: ${values}`,
              'Acknowledged logs may be lost: restart every process on the file.',
            ),
      ]
    },

    space: async () => {
      const { bavail, bsize } = await statfs(dirname(path))
      const size = (await sizeOf(path)) + (await sizeOf(`${path}-wal`))
      return [spaceFinding(bavail * bsize, size)]
    },

    storage: async () => [],
  }
}

function spaceFinding(free: number, size: number): Finding {
  const what = `disk: ${bytes(free)} free, the database has ${bytes(size)}`
  return free >= size + SPARE_BYTES
    ? ok(what)
    : wrong(
        what,
        `Make room for as much again and ${bytes(SPARE_BYTES)}: a full disk takes no logs, and a migration or \`connlog erase\` may write the file anew.`,
      )
}

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  )
