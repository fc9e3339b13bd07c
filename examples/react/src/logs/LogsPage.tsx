import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useQuery } from 'urql'
import { graphql } from '../generated/gql.ts'
import { DayChart } from './DayChart.tsx'
import { ErrorNotice } from './ErrorNotice.tsx'
import { Figures } from './Figures.tsx'
import { Filters } from './Filters.tsx'
import { LiveState } from './LiveState.tsx'
import { LogTable } from './LogTable.tsx'
import { Pager } from './Pager.tsx'
import { rowsOf } from './rows.ts'
import { useFeedState } from './use-feed-state.ts'
import { useLiveLogs } from './use-live-logs.ts'
import { useThrottled } from './use-throttled.ts'
import { useView } from './use-view.ts'
import { PAGE_SIZE, filterOf } from './view.ts'
import { TIME_ZONE, integerText } from './words.ts'

const LogsQuery = graphql(`
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

const StatsQuery = graphql(`
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

export function LogsPage({ onForgetKey }: { onForgetKey: () => void }) {
  const [view, changeView] = useView()
  const { platform, eventType, status, search, days, page } = view
  const filter = useMemo(
    () => filterOf({ platform, eventType, status, search, days, page: 1 }),
    [platform, eventType, status, search, days],
  )
  const live = useLiveLogs(filter, PAGE_SIZE)
  const feedState = useFeedState()

  const pause = live.filter !== filter
  const logsVariables = useMemo(
    () => ({ filter, days, limit: PAGE_SIZE, skip: (page - 1) * PAGE_SIZE }),
    [filter, days, page],
  )
  const statsVariables = useMemo(() => ({ filter, days, timeZone: TIME_ZONE }), [filter, days])
  const [logs, askLogs] = useQuery({ query: LogsQuery, variables: logsVariables, pause })
  const [stats, askStats] = useQuery({ query: StatsQuery, variables: statsVariables, pause })

  const [seen, setSeen] = useState(0)
  const [announcement, setAnnouncement] = useState('')
  const announced = useRef(0)

  const refresh = useThrottled(
    useCallback(() => {
      if (pause) return true
      // A question under way is not asked a second time, and its answer may not know of the last log.
      if (isUnderWay(stats) || isUnderWay(logs)) return false
      askStats({ requestPolicy: 'network-only' })
      // Rows of a later page would move under the eyes of the reader.
      if (page === 1) askLogs({ requestPolicy: 'network-only' })
      const news = live.count - announced.current
      announced.current = live.count
      if (news > 0) setAnnouncement(newLogsText(news))
      return true
    }, [pause, page, stats, logs, askStats, askLogs, live.count]),
    REFRESH_MS,
  )
  useEffect(() => {
    announced.current = Math.min(announced.current, live.count)
    if (live.count > 0) refresh()
  }, [live.count, refresh])
  // What expired or was erased while the connection was broken goes too.
  const wasCut = useRef(false)
  useEffect(() => {
    if (feedState.is === 'live' && wasCut.current) refresh()
    wasCut.current = feedState.is === 'reconnecting'
  }, [feedState, refresh])
  const count = useRef(0)
  useEffect(() => {
    count.current = live.count
  }, [live.count])
  useEffect(() => setSeen(count.current), [page, live.filter])

  const goTo = (page: number) => changeView({ page })
  const isOfView = isSame(logs.operation?.variables, logsVariables) && !pause
  const areStatsOfView = isSame(stats.operation?.variables, statsVariables) && !pause
  const error = live.error ?? (isOfView ? logs.error : undefined)
  const tryAgain = () => {
    if (live.error) live.restart()
    else {
      askLogs({ requestPolicy: 'network-only' })
      askStats({ requestPolicy: 'network-only' })
    }
  }

  const answer = logs.data?.connectionLogs
  const total = (areStatsOfView ? stats.data?.connectionStats.total : undefined) ?? answer?.pagination.total
  const rows = answer && (page === 1 && isOfView ? rowsOf(answer.logs, live.logs, days) : answer.logs)
  const unseen = page === 1 ? 0 : live.count - seen

  return (
    <div className="page">
      <header className="bar">
        <h1>Connection logs</h1>
        <LiveState state={feedState} />
        <span className="owner">{ownerText(live.userId, live.filter !== null)}</span>
        <button type="button" onClick={onForgetKey}>
          Change key
        </button>
      </header>
      <main>
        <section className="overview" aria-label="Numbers" aria-busy={!areStatsOfView}>
          <Figures of={stats.data?.connectionStats ?? null} />
          <DayChart of={stats.data?.connectionStats ?? null} error={error ? undefined : stats.error} />
        </section>
        <Filters view={view} onChange={changeView} />
        {unseen > 0 && (
          <button type="button" className="unseen" onClick={() => goTo(1)}>
            {newLogsText(unseen)}: show
          </button>
        )}
        {error ? (
          <ErrorNotice error={error} onTryAgain={tryAgain} />
        ) : (
          <LogTable
            rows={rows ?? null}
            fresh={live.logs}
            isBusy={!isOfView}
            showsUsers={live.userId === null}
            beyond={page > 1 && total !== undefined && total > 0}
          />
        )}
        <Pager page={page} total={error ? undefined : total} view={view} onGo={goTo} />
        <p className="hidden" role="status">
          {announcement}
        </p>
      </main>
    </div>
  )
}

const isUnderWay = ({ fetching, stale }: { fetching: boolean; stale: boolean }) => fetching || stale

const newLogsText = (count: number) => (count === 1 ? '1 new log' : `${integerText(count)} new logs`)

function ownerText(userId: string | null, isKnown: boolean): string {
  if (!isKnown) return ''
  return userId === null ? 'All users' : `User ${userId}`
}

/** Variables are plain values whose keys keep their order. */
const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
