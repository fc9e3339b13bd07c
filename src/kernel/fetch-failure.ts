/** Codes of what stays as it is however often one tries. */
const HOPELESS = /CERT|ERR_TLS|ERR_SSL|EPROTO|SELF_SIGNED|UNABLE_TO/

/** Why `fetch`, or the reading of its answer, failed. */
export interface FetchFailure {
  /** Of Node or of TLS, such as ECONNREFUSED; empty where there is none. */
  readonly code: string
  /** Whether another try cannot help, as with a certificate that is not trusted. */
  readonly isHopeless: boolean
}

export function fetchFailureOf(error: unknown): FetchFailure {
  const cause = error instanceof Error ? error.cause : undefined
  const given = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const code = /^[A-Z0-9_]{1,60}$/.test(given) ? given : ''
  return { code, isHopeless: HOPELESS.test(code) }
}
