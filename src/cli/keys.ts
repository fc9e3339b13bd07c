import { DEFAULT_OVERLAP_MS, MAX_OVERLAP_MS } from '../auth/key-store.ts'
import { DEFAULT_SCOPES } from '../auth/scopes.ts'
import type { Config } from '../config/config.ts'
import { type ApiKey, hasExpired } from '../auth/stored-key.ts'
import { DAY_MS, systemClock } from '../kernel/clock.ts'
import { AppError, badInput } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import { visible } from '../kernel/visible.ts'
import { parseDuration } from './duration.ts'
import { CommandError, type Terminal, print, say } from './terminal.ts'
import { fullName, withMigratedApp } from './with-app.ts'

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
  const lifetimeMs = expires === undefined ? undefined : parseDuration('--expires', expires)
  await withMigratedApp(terminal, async ({ app, config }) => {
    const { key, apiKey } = await app.keys
      .create({
        userId: user ?? null,
        scopes: scopes === undefined ? DEFAULT_SCOPES : scopes.split(',').map((scope) => scope.trim()),
        name,
        lifetimeMs,
      })
      .catch((error: unknown) => {
        throw asOption(error)
      })
    say(terminal, describeKey(apiKey))
    say(terminal, shownOnce(config))
    print(terminal, key)
  })
}

export interface RotateOptions {
  readonly overlap?: string
}

/** `connlog keys rotate ID`: prints the new key, alone, on standard output. */
export async function rotateKey(terminal: Terminal, id: string, { overlap }: RotateOptions): Promise<void> {
  const overlapMs = overlap === undefined ? DEFAULT_OVERLAP_MS : parseOverlap(overlap)
  await withMigratedApp(terminal, async ({ app, config }) => {
    const { key, apiKey, replaced } = await app.keys.rotate(id, overlapMs)
    say(terminal, describeKey(apiKey))
    say(terminal, `${replaced.id} is refused from ${formatInstant(replaced.expiresAt ?? 0)} on.`)
    say(terminal, shownOnce(config))
    print(terminal, key)
  })
}

/** Says where the key is valid: in another database than that of the service it is worth nothing. */
const shownOnce = (config: Config) =>
  `The key is shown this once; only its hash is kept, in the database ${fullName(config)}.`

/** `connlog keys revoke ID`: every process refuses the key within 5 seconds. */
export async function revokeKey(terminal: Terminal, id: string): Promise<void> {
  await withMigratedApp(terminal, async ({ app }) => {
    const revoked = await app.keys.revoke(id)
    print(terminal, `Revoked ${revoked.id}.`)
  })
}

/** A key as one line with tabs. */
export function describeKey(apiKey: ApiKey, ...more: string[]): string {
  const { id, name, scopes, createdAt } = apiKey
  return [
    id,
    whose(apiKey),
    scopes.join(','),
    `created ${timeOf(createdAt)}`,
    stateOf(apiKey),
    ...more,
    ...(name === null ? [] : [name]),
  ]
    .map(visible)
    .join('\t')
}

export const whose = ({ userId }: ApiKey) => (userId === null ? 'service' : `user ${userId}`)

export const useOf = ({ lastUsedAt }: ApiKey) =>
  lastUsedAt === null ? 'never used' : `used ${timeOf(lastUsedAt)}`

export function stateOf({ expiresAt, revokedAt, rotatedTo }: ApiKey): string {
  const rotated = rotatedTo === null ? '' : `, rotated to ${rotatedTo}`
  if (revokedAt !== null) return `revoked ${timeOf(revokedAt)}${rotated}`
  if (expiresAt === null) return 'valid'
  return `${hasExpired(expiresAt, systemClock.now()) ? 'expired' : 'until'} ${timeOf(expiresAt)}${rotated}`
}

const timeOf = (ms: number) => (Number.isNaN(ms) ? 'at an unreadable time' : formatInstant(ms))

function parseOverlap(text: string): number {
  const overlapMs = text === '0' ? 0 : parseDuration('--overlap', text)
  if (overlapMs <= MAX_OVERLAP_MS) return overlapMs
  throw badInput('--overlap', `at most ${MAX_OVERLAP_MS / DAY_MS}d`, text)
}

/** What the key store calls a field is an option here. */
function asOption(error: unknown): unknown {
  if (!(error instanceof AppError)) return error
  const named = error.message.replace('`user`', '`--user`').replace(/`(scopes|name)`/, '`--$1`')
  return new AppError(error.code, named)
}
