import type { PostgresAddress } from '../../kernel/postgres-url.ts'

const BY_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'its name could not be resolved',
  ETIMEDOUT: 'it did not answer in time',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ECONNRESET: 'the connection was closed; the port may belong to another program',
  EACCES: 'this user may not use the socket',
  '28P01': 'the password is wrong',
  '3D000': 'there is no such database',
  '53300': 'it has no connection left',
  '57P03': 'it is starting up or shutting down',
}

const NOT_TRUSTED =
  'its certificate is not signed by an authority that this machine trusts. Name the certificate of the authority with sslrootcert=/path/to/ca.pem, or encrypt without a check with sslmode=no-verify'

const BY_CERTIFICATE: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: NOT_TRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: NOT_TRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_TRUSTED,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another host name. Use that name, or encrypt without a check with sslmode=no-verify',
}

const BY_MESSAGE: readonly (readonly [RegExp, string])[] = [
  [/timeout exceeded|timed out/, 'it did not answer in time'],
  [
    /does not support SSL/,
    'it does not speak TLS. Turn on ssl in Postgres, or remove sslmode to connect without TLS',
  ],
  [/no password|password must be a string/i, 'it asks for a password, and DATABASE_URL has none'],
  [
    /PEM|no start line|bad decrypt|key values mismatch/i,
    'a file that sslrootcert, sslcert or sslkey names is no valid PEM',
  ],
]

/** Why Postgres could not be opened. Nothing in it comes from the credentials of the URL. */
export function openSentence({ display, parameters, port }: PostgresAddress, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const message = error instanceof Error ? error.message : ''
  return `Could not open Postgres at ${display}: ${reasonOf(code, message)}.`

  function reasonOf(code: string, message: string): string {
    if (code === 'ENOENT') {
      return parameters.socketFolder === undefined
        ? 'there is no such socket'
        : `there is no socket ${parameters.socketFolder}/.s.PGSQL.${port}`
    }
    // In Postgres' own words: they name the role and what pg_hba.conf lacks, and no password.
    if (code === '28000') return message
    return (
      BY_CODE[code] ??
      BY_CERTIFICATE[code] ??
      BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1] ??
      `it answered ${code || 'with an error'}`
    )
  }
}
