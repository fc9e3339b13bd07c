import { systemClock } from '../../../src/kernel/clock.ts'
import { runProcess } from '../command.ts'
import { type Provider, createTestDatabase } from '../databases.ts'
import { startService } from '../service.ts'
import { createClient } from './client.mjs'

/** A user with very many logs. */
export interface GreedyUser {
  readonly read: string
  readonly write: string
  readonly admin: string
  /** A cursor of the feed from before the logs. */
  readonly oldCursor: string
}

/** A database in which some users have very many logs, and two others have few. */
export interface Ground {
  readonly databaseUrl: string
  readonly greedy: readonly GreedyUser[]
  /** Keys of users who ask for little. */
  readonly modest: readonly { readonly userId: string; readonly key: string }[]
  drop(): Promise<void>
}

const MODEST_LOGS = 355
const LOGS_IN_A_FILE = 50_000
const DAYS = 6.5
const DAY_MS = 86_400_000

/** @param logs of all greedy users together */
export async function prepareGround(provider: Provider, logs: number, greedyUsers = 1): Promise<Ground> {
  const database = await createTestDatabase(provider, { migrated: false })
  const env = { DATABASE_URL: database.url }
  const connlog = async (args: readonly string[], input = '') => {
    const { code, stdout, stderr } = await runProcess(args, env, input)
    if (code !== 0) throw new Error(`connlog ${args.join(' ')} ended with ${code}: ${stderr}`)
    return stdout.trim()
  }
  const keyOf = (userId: string, scopes: string) =>
    connlog(['keys', 'create', '--user', userId, '--scopes', scopes])
  const load = async (userId: string, count: number) => {
    for (let from = 0; from < count; from += LOGS_IN_A_FILE)
      await connlog(
        ['import', '-', '--user', userId],
        manyLogs(from, Math.min(LOGS_IN_A_FILE, count - from), count),
      )
  }

  await connlog(['migrate'])
  const greedy: GreedyUser[] = []
  for (const userId of numbered('user-greedy', greedyUsers)) {
    const read = await keyOf(userId, 'logs:read')
    greedy.push({
      read,
      write: await keyOf(userId, 'logs:write'),
      admin: await keyOf(userId, 'logs:read,logs:write,admin'),
      oldCursor: await feedCursor(database.url, read),
    })
    await load(userId, Math.ceil(logs / greedyUsers))
    await connlog(['import', '-', '--user', userId], logsWithLargeMetadata(100))
  }
  const modest: { userId: string; key: string }[] = []
  for (const userId of numbered('user-modest', 2)) {
    modest.push({ userId, key: await keyOf(userId, 'logs:read,logs:write') })
    await load(userId, MODEST_LOGS)
  }
  return { databaseUrl: database.url, greedy, modest, drop: database.drop }
}

const numbered = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name}-${index + 1}`)

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
