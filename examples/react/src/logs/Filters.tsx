import { useEffect, useId, useState } from 'react'
import { ConnectionEventType, ConnectionStatus, Platform } from '../generated/graphql.ts'
import type { ChangeView } from './use-view.ts'
import { ALL, DEFAULT_DAYS, type View, formatView } from './view.ts'
import { nameOf } from './words.ts'

interface Props {
  readonly view: View
  readonly onChange: ChangeView
}

/** Longer than between two letters of somebody who types. */
const TYPING_MS = 300

const DAYS = Array.from({ length: DEFAULT_DAYS }, (_, index) => index + 1)

export function Filters({ view, onChange }: Props) {
  const isAll = formatView({ ...view, page: 1 }) === ''
  return (
    <form className="filters" role="search" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <SearchField value={view.search} onChange={onChange} />
      <Choice
        label="Platform"
        values={Platform}
        value={view.platform}
        onChange={(platform) => onChange({ platform })}
      />
      <Choice
        label="Event"
        values={ConnectionEventType}
        value={view.eventType}
        onChange={(eventType) => onChange({ eventType })}
      />
      <Choice
        label="Status"
        values={ConnectionStatus}
        value={view.status}
        onChange={(status) => onChange({ status })}
      />
      <DaysChoice value={view.days} onChange={(days) => onChange({ days })} />
      <button type="button" onClick={() => onChange(ALL)} aria-disabled={isAll}>
        Clear
      </button>
    </form>
  )
}

interface ChoiceProps<Value extends string> {
  readonly label: string
  readonly values: Record<string, Value>
  readonly value: Value | null
  readonly onChange: (value: Value | null) => void
}

function Choice<Value extends string>({ label, values, value, onChange }: ChoiceProps<Value>) {
  const id = useId()
  const all = Object.values(values)
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value ?? ''}
        onChange={({ target }) => onChange(all.find((value) => value === target.value) ?? null)}
      >
        <option value="">All</option>
        {all.map((value) => (
          <option key={value} value={value}>
            {nameOf(value)}
          </option>
        ))}
      </select>
    </div>
  )
}

function DaysChoice({ value, onChange }: { value: number; onChange: (days: number) => void }) {
  const id = useId()
  // An address may ask for more, where the service keeps logs for longer.
  const offered = DAYS.includes(value) ? DAYS : [...DAYS, value]
  return (
    <div className="field">
      <label htmlFor={id}>Time</label>
      <select id={id} value={value} onChange={({ target }) => onChange(Number(target.value))}>
        {offered.map((days) => (
          <option key={days} value={days}>
            {days === 1 ? 'Last 24 hours' : `Last ${days} days`}
          </option>
        ))}
      </select>
    </div>
  )
}

/** Asks once typing has paused. */
function SearchField({ value, onChange }: { value: string; onChange: ChangeView }) {
  const id = useId()
  const [typed, setTyped] = useState(value)
  const [asked, setAsked] = useState(value)
  // The browser's buttons, or a link, have changed it.
  if (value !== asked) {
    setAsked(value)
    setTyped(value)
  }

  useEffect(() => {
    if (typed === asked) return undefined
    const timer = setTimeout(() => {
      setAsked(typed)
      onChange({ search: typed }, 'replace')
    }, TYPING_MS)
    return () => clearTimeout(timer)
  }, [typed, asked, onChange])

  return (
    <div className="field wide">
      <label htmlFor={id}>Search</label>
      <input
        id={id}
        type="search"
        value={typed}
        maxLength={256}
        placeholder="Error, username or name"
        onChange={({ target }) => setTyped(target.value)}
      />
    </div>
  )
}
