import { expect, it } from 'vitest'
import { databaseName } from '../../src/database/database-name.ts'

it.each([
  ['file:./data/connlog.db', './data/connlog.db'],
  ['file:/var/lib/connlog.db', '/var/lib/connlog.db'],
  ['file:///var/lib/connlog.db', '/var/lib/connlog.db'],
  ['postgresql://connlog:s3cret@db.internal:5433/logs', 'Postgres database logs at db.internal:5433'],
  ['postgres://connlog:s3%23cret@[::1]/logs?sslmode=require', 'Postgres database logs at [::1]'],
  ['postgres://db.internal/logs?user=connlog&password=s3cret', 'Postgres database logs at db.internal'],
  [
    'postgres:///logs?host=/var/run/postgresql&password=s3cret',
    'Postgres database logs at /var/run/postgresql',
  ],
  ['postgres://connlog:s3cret@/logs?host=/var/run/postgresql', 'Postgres'],
  ['postgres://connlog:s3cret@%2Fvar%2Frun/logs', 'Postgres database logs at /var/run'],
])('calls %s %s: without user and password', (url, name) => {
  expect(databaseName(url)).toBe(name)
})
