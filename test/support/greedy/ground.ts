import { systemClock } from '../../../src/kernel/clock.ts'
import { runProcess } from '../command.ts'
import { type Provider, createTestDatabase } from '../databases.ts'
import { startService } from '../service.ts'
import { createClient } from './client.ts'

/** A database in which one user has very many logs, and two others have few. */
export interface Ground {
  readonly databaseUrl: string
  /** Keys of the user with very many logs. */
  readonly greedy: { readonly read: string; readonly write: string; readonly admin: string }
  /** Keys of users who ask for little. */
  readonly modest: readonly { readonly userId: string; readonly key: string }[]
  /** A cursor of the feed from before the logs. */
  readonly oldCursor: string
  drop(): Promise<void>
}

const GREEDY_USER = 'user-greedy'
const MODEST_USERS = ['user-modest-1', 'user-modest-2']
const MODEST_LOGS = 355
const LOGS_IN_A_FILE = 50_000
const DAYS = 6.5
const DAY_MS = 86_400_000

/** @param logs of the greedy user */
export async function prepareGround(provider: Provider, logs: number): Promise<Ground> {
  const database = await createTestDatabase(provider, { migrated: false })
  const env = { DATABASE_URL: database.url }
  const connlog = async (args: readonly string[], input = '') => {
    const { code, stdout, stderr } = await runProcess(args, env, input)
    if (code !== 0) throw new Error(`connlog ${args.join(' ')} ended with ${code}: ${stderr}`)
    return stdout.trim()
  }
  await connlog(['migrate'])
  const keyOf = (user: string, scopes: string) =>
    connlog(['keys', 'create', '--user', user, '--scopes', scopes])
  const greedy = {
    read: await keyOf(GREEDY_USER, 'logs:read'),
    write: await keyOf(GREEDY_USER, 'logs:write'),
    admin: await keyOf(GREEDY_USER, 'logs:read,logs:write,admin'),
  }
  const modest: { userId: string; key: string }[] = []
  for (const userId of MODEST_USERS) modest.push({ userId, key: await keyOf(userId, 'logs:read,logs:write') })
  const oldCursor = await feedCursor(database.url, greedy.read)
  for (let from = 0; from < logs; from += LOGS_IN_A_FILE) {
    const lines = manyLogs(from, Math.min(LOGS_IN_A_FILE, logs - from), logs)
    await connlog(['import', '-', '--user', GREEDY_USER], lines)
  }
  await connlog(['import', '-', '--user', GREEDY_USER], logsWithLargeMetadata(100))
  for (const userId of MODEST_USERS)
    await connlog(['import', '-', '--user', userId], manyLogs(0, MODEST_LOGS, MODEST_LOGS))
  return { databaseUrl: database.url, greedy, modest, oldCursor, drop: database.drop }
}

async function feedCursor(databaseUrl: string, key: string): Promise<string> {
  const service = await startService(databaseUrl)
  const client = createClient(service.port)
  const { text } = await client.graphql(key, '{ connectionLogFeedCursor }')
  client.close()
  await service.stop()
  return (JSON.parse(text) as { data: { connectionLogFeedCursor: string } }).data.connectionLogFeedCursor
}

/** Lines of JSON: 28 % failures with 40 codes, 1,000 accounts, never `invitation`. */
function manyLogs(from: number, count: number, of: number): string {
  const endMs = systemClock.now() - 60_000
  return Array.from({ length: count }, (_, index) => {
    const number = from + index
    const isFailure = number % 100 < 28
    return JSON.stringify({
      eventId: `event-${number}`,
      platform: ['instagram', 'tiktok', 'linkedin', 'facebook'][number % 4],
      eventType: isFailure ? 'connect_failed' : 'connect_success',
      connectionMethod: number % 7 === 0 ? 'credentials' : 'oauth',
      profileId: `profile-${number % 300}`,
      accountId: `account-${number % 1_000}`,
      ...(isFailure
        ? { error: { code: `code_${number % 40}`, message: `Exchange number ${number % 97} was declined` } }
        : { success: { username: `name${number % 5_000}`, displayName: `Studio ${number % 800}` } }),
      durationMs: 100 + (number % 4_000),
      createdAt: new Date(endMs - DAYS * DAY_MS * (1 - number / of)).toISOString(),
    })
  }).join('\n')
}

const METADATA_CHARACTERS = 15_000

function logsWithLargeMetadata(count: number): string {
  const note = 'lorem ipsum '.repeat(METADATA_CHARACTERS / 12)
  return Array.from({ length: count }, (_, index) =>
    JSON.stringify({
      eventId: `large-${index}`,
      platform: 'instagram',
      eventType: 'connect_failed',
      connectionMethod: 'oauth',
      error: { code: 'code_1', message: 'It was declined' },
      metadata: { note },
    }),
  ).join('\n')
}
