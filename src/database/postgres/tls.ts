import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import type { TlsParameters, UrlParameters } from '../../kernel/postgres-parameters.ts'
import { DatabaseOpenError } from '../open-error.ts'

/**
 * How to encrypt, as the driver takes it. The driver reads no certificates and interprets no `sslmode` itself: it would
 * print a warning, and its next version gives the modes another meaning.
 * @throws {DatabaseOpenError} if a file cannot be read
 */
export function tlsOptions(tls: UrlParameters['tls']): ConnectionOptions | false | undefined {
  if (tls === undefined) return undefined
  if (tls === 'disable') return false
  return {
    rejectUnauthorized: tls.isVerified,
    ...read('sslrootcert', 'ca', tls.rootCertificate),
    ...read('sslcert', 'cert', tls.certificate),
    ...read('sslkey', 'key', tls.key),
  }
}

function read(
  parameter: string,
  option: 'ca' | 'cert' | 'key',
  path: TlsParameters['key'],
): ConnectionOptions {
  if (path === undefined) return {}
  try {
    return { [option]: readFileSync(path, 'utf8') }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    throw new DatabaseOpenError(
      `Could not read ${path}, which the parameter "${parameter}" of \`DATABASE_URL\` names: ${
        code === 'ENOENT' ? 'there is no such file' : code || 'it is no file of text'
      }.`,
    )
  }
}
