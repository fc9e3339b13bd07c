import { type FragmentType, readFragment } from '../generated/fragment-masking.ts'
import { graphql } from '../generated/gql.ts'
import type { LogRowFragment as Log } from '../generated/graphql.ts'
import { durationText, nameOf, timeText } from './words.ts'

export const LogRowFragment = graphql(`
  fragment LogRow on ConnectionLog {
    createdAt
    platform
    eventType
    status
    userId
    accountId
    durationMs
    success {
      displayName
      username
    }
    error {
      code
      message
    }
  }
`)

interface Props {
  readonly log: FragmentType<typeof LogRowFragment>
  readonly isFresh: boolean
  readonly showsUser: boolean
}

export function LogRow({ log, isFresh, showsUser }: Props) {
  const { createdAt, platform, eventType, status, userId, accountId, durationMs, success, error } =
    readFragment(LogRowFragment, log)
  return (
    <tr data-status={status ?? 'NONE'} className={isFresh ? 'fresh' : undefined}>
      <td>
        <time dateTime={createdAt} title={createdAt}>
          {timeText(createdAt)}
        </time>
      </td>
      <td>{nameOf(platform)}</td>
      <td className="event">{nameOf(eventType)}</td>
      <td>
        <Account success={success} accountId={accountId} />
      </td>
      {showsUser && <td className="id">{userId}</td>}
      <td className="error">
        {error?.code && <code>{error.code}</code>} {error?.message}
      </td>
      <td className="number">{durationMs !== null && durationText(durationMs)}</td>
    </tr>
  )
}

/** By name where it is known; the id is what remains of an account that was disconnected. */
function Account({ success, accountId }: Pick<Log, 'success' | 'accountId'>) {
  const { displayName, username } = success ?? {}
  if (!displayName && !username) return <span className="id">{accountId}</span>
  return (
    <>
      {displayName} {username && <span className="quiet">{username}</span>}
    </>
  )
}
