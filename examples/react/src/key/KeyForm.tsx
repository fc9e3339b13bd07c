import { type FormEvent, useState } from 'react'

interface Props {
  /** Why the service did not take the last key. */
  readonly refusal: string | null
  /** @returns why this cannot be a key */
  readonly onKey: (text: string) => string | null
}

export function KeyForm({ refusal, onKey }: Props) {
  const [text, setText] = useState('')
  const [complaint, setComplaint] = useState(refusal)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setComplaint(onKey(text))
  }
  return (
    <main className="key-page">
      <form className="key-form" onSubmit={submit}>
        <h1>Connection logs</h1>
        <p id="key-help">
          This page shows what its key may read. Take one with the scope <code>logs:read</code> and no other,
          as <code>connlog keys create</code> makes it. It is kept until this tab is closed.
        </p>
        <label htmlFor="key">Key</label>
        <input
          id="key"
          type="password"
          value={text}
          onChange={({ target }) => setText(target.value)}
          placeholder="clk_…"
          autoComplete="off"
          spellCheck={false}
          autoFocus
          aria-describedby={complaint === null ? 'key-help' : 'key-complaint key-help'}
          aria-invalid={complaint !== null}
        />
        {complaint !== null && (
          <p className="complaint" id="key-complaint" role="alert">
            {complaint}
          </p>
        )}
        <button type="submit" className="primary">
          Show the logs
        </button>
      </form>
    </main>
  )
}
