import type { CombinedError } from '@urql/core'
import { useEffect, useMemo, useRef, useState } from 'react'
import { useQuery } from 'urql'
import { graphql } from '../generated/gql.ts'
import type { LogsQuery, StatsQuery } from '../generated/graphql.ts'
import { rowsOf } from './rows.ts'
import { useFeedState } from './use-feed-state.ts'
import { type LiveLog, useLiveLogs } from './use-live-logs.ts'
import { useThrottled } from './use-throttled.ts'
import { PAGE_SIZE, type View, filterOf } from './view.ts'
import { TIME_ZONE } from './words.ts'

const Logs = graphql(`
  query Logs($filter: ConnectionLogFilter, $days: Int, $limit: Int, $skip: Int) {
    connectionLogs(filter: $filter, days: $days, limit: $limit, skip: $skip) {
      logs {
        id
        createdAt
        ...LogRow
      }
      pagination {
        total
      }
    }
  }
`)

const Stats = graphql(`
  query Stats($filter: ConnectionLogFilter, $days: Int, $timeZone: String) {
    connectionStats(filter: $filter, days: $days, interval: DAY, timeZone: $timeZone) {
      total
      ...Figures
      ...DayChart
    }
  }
`)

/** However many logs come, numbers and the first page are asked for again no more often. */
const REFRESH_MS = 2_000

const AGAIN = { requestPolicy: 'network-only' } as const

/** A view of the logs, up to date while it is looked at. */
export interface ViewedLogs {
  /** The rows of the page; null before the first answer. Those of the view before, while that is busy. */
  readonly rows: readonly LogsQuery['connectionLogs']['logs'][number][] | null
  readonly isBusy: boolean
  /** What came while the view was open; some of it is among the rows. */
  readonly fresh: readonly LiveLog[]
  /** How many came since this page was opened, and are not on it. */
  readonly unseen: number
  /** How many came since this was last said, and how many by then: it is to be said once for each. */
  readonly news: { readonly count: number; readonly by: number }
  /** How many logs match; undefined where that is not known. */
  readonly total: number | undefined
  /** Null until the numbers of this view are there. */
  readonly stats: StatsQuery['connectionStats'] | null
  readonly areStatsBusy: boolean
  readonly error: CombinedError | null
  readonly statsError: CombinedError | null
  /** Whose logs these are: null for those of all users, undefined where that is not known. */
  readonly userId: string | null | undefined
  tryAgain(): void
}

export function useLogs({ platform, eventType, status, search, days, page }: View): ViewedLogs {
  const filter = useMemo(
    () => filterOf({ platform, eventType, status, search }),
    [platform, eventType, status, search],
  )
  const live = useLiveLogs(filter, PAGE_SIZE)
  const isFollowed = live.filter === filter

  const logsVariables = useMemo(
    () => ({ filter, days, limit: PAGE_SIZE, skip: (page - 1) * PAGE_SIZE }),
    [filter, days, page],
  )
  const statsVariables = useMemo(() => ({ filter, days, timeZone: TIME_ZONE }), [filter, days])
  const [logs, askLogs] = useQuery({ query: Logs, variables: logsVariables, pause: !isFollowed })
  const [stats, askStats] = useQuery({ query: Stats, variables: statsVariables, pause: !isFollowed })

  const [news, setNews] = useState({ count: 0, by: 0 })
  const refresh = useThrottled(() => {
    if (!isFollowed) return true
    // A question under way is not asked a second time, and its answer may not know of the last log.
    if (isUnderWay(stats) || isUnderWay(logs)) return false
    askStats(AGAIN)
    // Rows of a later page would move under the eyes of the reader.
    if (page === 1 || logs.error) askLogs(AGAIN)
    setNews(({ by }) => ({ count: live.count - Math.min(by, live.count), by: live.count }))
    return true
  }, REFRESH_MS)
  useEffect(() => {
    if (live.count > 0) refresh()
  }, [live.count, refresh])
  useAfterCut(refresh)

  const isOfView = isFollowed && isSame(logs.operation?.variables, logsVariables)
  const areStatsOfView = isFollowed && isSame(stats.operation?.variables, statsVariables)
  const answer = logs.data?.connectionLogs
  return {
    rows: (isOfView && page === 1 && answer ? rowsOf(answer.logs, live.logs, days) : answer?.logs) ?? null,
    isBusy: !isOfView,
    fresh: live.logs,
    unseen: useUnseen(live.filter, live.count, page),
    news,
    // Numbers are asked for again on later pages, too.
    total:
      (areStatsOfView ? stats.data?.connectionStats.total : undefined) ??
      (isOfView ? answer?.pagination.total : undefined),
    // Numbers of another view would be read as those of the filters next to them.
    stats: (areStatsOfView ? stats.data?.connectionStats : null) ?? null,
    areStatsBusy: !areStatsOfView,
    error: live.error ?? (isOfView ? (logs.error ?? null) : null),
    statsError: (areStatsOfView ? stats.error : null) ?? null,
    userId: live.filter === null ? undefined : live.userId,
    tryAgain: () => {
      if (live.error) return live.restart()
      askLogs(AGAIN)
      askStats(AGAIN)
    },
  }
}

/** Calls when the feed is back: what was erased or expired meanwhile goes, what failed meanwhile is asked for again. */
function useAfterCut(call: () => void): void {
  const { is } = useFeedState()
  const wasCut = useRef(false)
  useEffect(() => {
    if (is === 'live' && wasCut.current) call()
    wasCut.current = is === 'reconnecting'
  }, [is, call])
}

/** How many of `count` came since a page other than the first was opened. */
function useUnseen(filter: unknown, count: number, page: number): number {
  const latest = useRef(count)
  const [seen, setSeen] = useState(count)
  useEffect(() => {
    latest.current = count
  }, [count])
  useEffect(() => setSeen(latest.current), [filter, page])
  return page === 1 ? 0 : Math.max(0, count - seen)
}

const isUnderWay = ({ fetching, stale }: { fetching: boolean; stale: boolean }) => fetching || stale

/** Variables are plain values whose keys keep their order. */
const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
