import { DEFAULT_OVERLAP_MS, MAX_OVERLAP_MS } from '../auth/key-store.ts'
import { DEFAULT_SCOPES } from '../auth/scopes.ts'
import { type ApiKey, hasExpired } from '../auth/stored-key.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, systemClock } from '../kernel/clock.ts'
import { badInput } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import { CommandError, type Terminal, print } from './terminal.ts'
import { withMigratedApp } from './with-app.ts'

export interface CreateOptions {
  readonly user?: string
  readonly service?: true
  readonly scopes?: string
  readonly name?: string
  readonly expires?: string
}

/** `connlog keys create`: prints the key, alone, on standard output. */
export async function createKey(terminal: Terminal, options: CreateOptions): Promise<void> {
  const { user, service, scopes, name, expires } = options
  if ((user === undefined) === (service === undefined)) {
    throw new CommandError('Expected either `--user ID` or `--service`.', 2)
  }
  const lifetimeMs = expires === undefined ? undefined : parseDuration('expires', expires)
  await withMigratedApp(terminal, async ({ app }) => {
    const { key, apiKey } = await app.keys.create({
      userId: user ?? null,
      scopes: scopes === undefined ? DEFAULT_SCOPES : scopes.split(',').map((scope) => scope.trim()),
      name,
      lifetimeMs,
    })
    terminal.stderr.write(`${describe(apiKey)}\nThe key is shown this once; only its hash is kept.\n`)
    print(terminal, key)
  })
}

export interface RotateOptions {
  readonly overlap?: string
}

/** `connlog keys rotate ID`: prints the new key, alone, on standard output. */
export async function rotateKey(terminal: Terminal, id: string, { overlap }: RotateOptions): Promise<void> {
  const overlapMs = overlap === undefined ? DEFAULT_OVERLAP_MS : parseOverlap(overlap)
  await withMigratedApp(terminal, async ({ app }) => {
    const { key, apiKey, replaced } = await app.keys.rotate(id, overlapMs)
    terminal.stderr.write(
      `${describe(apiKey)}\n${id} is refused from ${formatInstant(replaced.expiresAt ?? 0)} on.\nThe key is shown this once; only its hash is kept.\n`,
    )
    print(terminal, key)
  })
}

/** `connlog keys list`: one key a line, without secrets. */
export async function listKeys(terminal: Terminal): Promise<void> {
  await withMigratedApp(terminal, async ({ app }) => {
    for (const apiKey of await app.keys.list()) print(terminal, describe(apiKey, useOf(apiKey)))
  })
}

/** `connlog keys revoke ID`: every process refuses the key within 5 seconds. */
export async function revokeKey(terminal: Terminal, id: string): Promise<void> {
  await withMigratedApp(terminal, async ({ app }) => {
    await app.keys.revoke(id)
    print(terminal, `Revoked ${id}.`)
  })
}

function describe(apiKey: ApiKey, ...more: string[]): string {
  const { id, userId, name, scopes, createdAt } = apiKey
  return [
    id,
    userId === null ? 'service' : `user ${userId}`,
    scopes.join(','),
    `created ${timeOf(createdAt)}`,
    stateOf(apiKey),
    ...more,
    ...(name === null ? [] : [name]),
  ].join('\t')
}

const useOf = ({ lastUsedAt }: ApiKey) => (lastUsedAt === null ? 'never used' : `used ${timeOf(lastUsedAt)}`)

function stateOf({ expiresAt, revokedAt, rotatedTo }: ApiKey): string {
  const rotated = rotatedTo === null ? '' : `, rotated to ${rotatedTo}`
  if (revokedAt !== null) return `revoked ${timeOf(revokedAt)}${rotated}`
  if (expiresAt === null) return 'valid'
  return `${hasExpired(expiresAt, systemClock.now()) ? 'expired' : 'until'} ${timeOf(expiresAt)}${rotated}`
}

const timeOf = (ms: number) => (Number.isNaN(ms) ? 'at an unreadable time' : formatInstant(ms))

function parseOverlap(text: string): number {
  const overlapMs = text === '0' ? 0 : parseDuration('overlap', text)
  if (overlapMs <= MAX_OVERLAP_MS) return overlapMs
  throw badInput('overlap', `at most ${MAX_OVERLAP_MS / DAY_MS}d`, text)
}

const UNITS_MS: Readonly<Record<string, number>> = { d: DAY_MS, h: HOUR_MS, m: MINUTE_MS }

/** `90d`, `12h` or `30m` in milliseconds. */
function parseDuration(field: string, text: string): number {
  const [, digits, unit = ''] = /^([1-9]\d{0,4})([dhm])$/.exec(text) ?? []
  const unitMs = UNITS_MS[unit]
  if (digits === undefined || unitMs === undefined)
    throw badInput(field, 'a duration such as 90d, 12h or 30m', text)
  return Number(digits) * unitMs
}
