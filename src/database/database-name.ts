import { fileURLToPath } from 'node:url'

/**
 * What people call a database that was opened: the path of its file, or the name and host of a Postgres. It has neither
 * user nor password.
 */
export function databaseName(url: string): string {
  if (url.startsWith('file://')) return fileURLToPath(url)
  if (url.startsWith('file:')) return url.slice('file:'.length)
  // Some forms that the driver takes are no URLs for Node.
  if (!URL.canParse(url)) return 'Postgres'
  const { host: place, pathname, searchParams } = new URL(url)
  const host = searchParams.get('host') ?? decodeURIComponent(place)
  const name = decodeURIComponent(pathname.slice(1))
  return `Postgres${name === '' ? '' : ` database ${name}`}${host === '' ? '' : ` at ${host}`}`
}
