import type { FragmentType } from '../generated/fragment-masking.ts'
import { LogRow, type LogRowFragment } from './LogRow.tsx'
import { TIME_ZONE } from './words.ts'

type Row = { readonly id: string } & FragmentType<typeof LogRowFragment>

interface Props {
  /** Null before the first answer. */
  readonly rows: readonly Row[] | null
  /** Those that came while the page was open. */
  readonly fresh: readonly { readonly id: string }[]
  /** Whether the rows are still those of what was looked at before. */
  readonly isBusy: boolean
  readonly showsUsers: boolean
  /** Whether logs match, though none of them is on this page. */
  readonly beyond: boolean
}

export function LogTable({ rows, fresh, isBusy, showsUsers, beyond }: Props) {
  const freshIds = new Set(fresh.map(({ id }) => id))
  return (
    <div className="table" role="region" aria-label="Logs" tabIndex={0} aria-busy={isBusy}>
      <table>
        <thead>
          <tr>
            <th scope="col">
              Time <span>{TIME_ZONE}</span>
            </th>
            <th scope="col">Platform</th>
            <th scope="col">Event</th>
            <th scope="col">Account</th>
            {showsUsers && <th scope="col">User</th>}
            <th scope="col">Error</th>
            <th scope="col" className="number">
              Duration
            </th>
          </tr>
        </thead>
        <tbody>
          {rows?.map((row) => (
            <LogRow key={row.id} log={row} isFresh={freshIds.has(row.id)} showsUser={showsUsers} />
          ))}
        </tbody>
      </table>
      {rows === null && <p className="empty">Loading…</p>}
      {rows?.length === 0 && !isBusy && (
        <p className="empty">{beyond ? 'There is no such page.' : 'No logs match.'}</p>
      )}
    </div>
  )
}
