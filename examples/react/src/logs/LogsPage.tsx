import { DayChart } from './DayChart.tsx'
import { ErrorNotice } from './ErrorNotice.tsx'
import { Figures } from './Figures.tsx'
import { Filters } from './Filters.tsx'
import { LiveState } from './LiveState.tsx'
import { LogTable } from './LogTable.tsx'
import { Pager } from './Pager.tsx'
import { useLogs } from './use-logs.ts'
import { useView } from './use-view.ts'
import { integerText } from './words.ts'

export function LogsPage({ onForgetKey }: { onForgetKey: () => void }) {
  const [view, changeView] = useView()
  const logs = useLogs(view)
  const { stats, error, total, unseen, news } = logs
  const goTo = (page: number) => changeView({ page })

  return (
    <div className="page">
      <header className="bar">
        <h1>Connection logs</h1>
        <LiveState />
        <span className="owner">{ownerText(logs.userId)}</span>
        <button type="button" onClick={onForgetKey}>
          Change key
        </button>
      </header>
      <main>
        <section className="overview" aria-label="Numbers" aria-busy={logs.areStatsBusy}>
          <Figures of={stats} />
          <DayChart of={stats} error={error === null ? logs.statsError : null} />
        </section>
        <Filters view={view} onChange={changeView} />
        {unseen > 0 && (
          <button type="button" className="unseen" onClick={() => goTo(1)}>
            {newLogsText(unseen)}: show
          </button>
        )}
        {error ? (
          <ErrorNotice error={error} onTryAgain={logs.tryAgain} />
        ) : (
          <LogTable
            rows={logs.rows}
            fresh={logs.fresh}
            isBusy={logs.isBusy}
            showsUsers={logs.userId === null}
            beyond={total !== undefined && total > 0}
          />
        )}
        <Pager total={error ? undefined : total} view={view} onGo={goTo} />
        {/* Another element each time, so that the same words are read aloud again. */}
        <p className="hidden" role="status">
          {news.count > 0 && <span key={news.by}>{newLogsText(news.count)}</span>}
        </p>
      </main>
    </div>
  )
}

const newLogsText = (count: number) => (count === 1 ? '1 new log' : `${integerText(count)} new logs`)

function ownerText(userId: string | null | undefined): string {
  if (userId === undefined) return ''
  return userId === null ? 'All users' : `User ${userId}`
}
