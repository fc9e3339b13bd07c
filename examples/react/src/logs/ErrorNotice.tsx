import type { CombinedError } from '@urql/core'

interface Props {
  readonly error: CombinedError
  readonly onTryAgain: () => void
}

/** What the service said, in its own sentence; a network that is away has none. */
export function ErrorNotice({ error, onTryAgain }: Props) {
  return (
    <div className="notice" role="alert">
      <p>
        <strong>The logs could not be read.</strong> {sentenceOf(error)}
      </p>
      <button type="button" onClick={onTryAgain}>
        Try again
      </button>
    </div>
  )
}

export function sentenceOf({ graphQLErrors, networkError, response }: CombinedError): string {
  const [first] = graphQLErrors
  if (first) return first.message
  const { status } = (response ?? {}) as { status?: number }
  if (status !== undefined && status >= 400) return `The answer has the status ${status}.`
  return networkError ? 'The service cannot be reached.' : 'The service gave no answer.'
}
