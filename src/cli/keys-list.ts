import type { ApiKey } from '../auth/stored-key.ts'
import { formatInstant } from '../kernel/instant.ts'
import { describeKey, stateOf, useOf, whose } from './keys.ts'
import { printTable } from './table.ts'
import { type Terminal, print, printExact } from './terminal.ts'
import { withMigratedApp } from './with-app.ts'

export interface KeysListOptions {
  readonly json?: boolean
}

const HEADER = ['ID', 'WHOSE', 'SCOPES', 'CREATED', 'STATE', 'LAST USED', 'NAME']

/** `connlog keys list`: a table on a terminal, else one key a line with tabs; without secrets. */
export async function listKeys(terminal: Terminal, { json = false }: KeysListOptions): Promise<void> {
  await withMigratedApp(terminal, async ({ app }) => {
    const keys = await app.keys.list()
    if (json) printExact(terminal, JSON.stringify(keys.map(toJson)))
    else if (terminal.stdout.isTTY) printTable(terminal, HEADER, keys.map(cellsOf))
    else for (const apiKey of keys) print(terminal, describeKey(apiKey, useOf(apiKey)))
  })
}

const cellsOf = (apiKey: ApiKey): string[] =>
  [
    apiKey.id,
    whose(apiKey),
    apiKey.scopes.join(','),
    instantOf(apiKey.createdAt) ?? '-',
    stateOf(apiKey),
    instantOf(apiKey.lastUsedAt) ?? 'never',
    apiKey.name ?? '',
  ].map(toMinutes)

/** There is no room for seconds. */
const toMinutes = (text: string) => text.replaceAll(/(\d{4}-\d\d-\d\d)T(\d\d:\d\d):[\d.]+Z/g, '$1 $2')

/** Null for an instant that the database holds and nobody can read. */
const instantOf = (ms: number | null) => (ms === null || Number.isNaN(ms) ? null : formatInstant(ms))

const toJson = ({ createdAt, expiresAt, revokedAt, lastUsedAt, ...apiKey }: ApiKey) => ({
  ...apiKey,
  createdAt: instantOf(createdAt),
  expiresAt: instantOf(expiresAt),
  revokedAt: instantOf(revokedAt),
  lastUsedAt: instantOf(lastUsedAt),
})
