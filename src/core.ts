import { type Principal, OPERATOR, shareholderOf } from './auth/principal.ts'
import { type KeyStore, createKeyStore } from './auth/key-store.ts'
import { type ManagedKeys, createManagedKeys } from './auth/managed-keys.ts'
import type { Config } from './config/config.ts'
import { type ConnectionLogs, createConnectionLogs } from './connections/connection-logs.ts'
import { type ConnectionLog, type Platforms, createPlatforms } from './connections/event.ts'
import { connectionLogKind } from './connections/kind.ts'
import { createFollowing } from './connections/follow.ts'
import { type RecordResult, tallied } from './connections/tallied.ts'
import { unlistedPlatforms } from './connections/unlisted-platforms.ts'
import { createOpenStreams } from './connections/open-streams.ts'
import { claimDemo, createInstanceSecret } from './database/instance.ts'
import { unavailable } from './database/failures.ts'
import { openDatabase } from './database/open.ts'
import type { Database } from './database/port.ts'
import { type Clock, DAY_MS, MINUTE_MS, SECOND_MS, systemClock } from './kernel/clock.ts'
import { createFairSemaphore } from './kernel/fair-semaphore.ts'
import { type Running, createLifecycle, every } from './kernel/lifecycle.ts'
import { type Logger, logFailure } from './kernel/logger.ts'
import { type LongWork, createLongWork } from './kernel/yield-if-long.ts'
import { type CountKeeper, createCountKeeper } from './logs/counts.ts'
import { createErasure } from './logs/erasure.ts'
import { createGroupCommit } from './logs/group-commit.ts'
import { createFairReads } from './logs/fair-reads.ts'
import { type Feed, type FeedFigures, createFeed } from './logs/feed.ts'
import { createKeeping } from './logs/keeping.ts'
import { type CleanupRound, createRetention } from './logs/retention.ts'
import { type TermsRewriter, createTermsRewriter } from './logs/rewrite-terms.ts'
import { type LogStore, createLogStore } from './logs/store.ts'

/** All but what speaks HTTP, put together and not started yet: what the commands work with. */
export interface Core extends Running {
  readonly keys: KeyStore
  readonly managedKeysOf: (principal: Principal) => ManagedKeys
  readonly database: Database
  /** Shared by all long work of the process. */
  readonly longWork: LongWork
  /** @param signal aborted when the request is over */
  readonly connectionLogsOf: (principal: Principal, signal?: () => AbortSignal) => ConnectionLogs
  /** Connection logs as the operator reaches them: all of them, with every scope. */
  readonly connectionLogs: ConnectionLogs
  readonly counts: CountKeeper
  readonly terms: Pick<TermsRewriter, 'progress'>
  readonly feed: Pick<Feed<ConnectionLog>, 'figures'>
  readonly figures: () => CoreFigures
  /** Whether it falls to this process, of all that start at once, to make the demo. */
  claimDemo(): Promise<boolean>
  /** Ends all subscriptions, each with the cursor to come back with, and takes no more. */
  endStreams(): void
  /** Those that are accepted: the built-in ones and those of the settings. */
  readonly platforms: Platforms
  /** After how many milliseconds a log expires: as the settings say, else as the database remembers. */
  readonly retentionMs: number
  /** For how many days the services of this database keep logs; undefined where none has started yet. */
  readonly rememberedDays: number | undefined
  /**
   * Begins what goes on by itself: saying how long logs are kept, cleaning up, merging counts, writing down when keys
   * were used. The database has to be migrated.
   */
  start(): Promise<void>
}

/** What is told of the work as it stands. It asks nobody. */
export interface CoreFigures {
  readonly feed: FeedFigures
  readonly openStreams: number
  /** Logs that wait to be stored, those that the database has under way included. */
  readonly pendingLogs: number
}

/** Who is told of the work as it is done. */
export interface CoreWitness {
  recorded(result: RecordResult, logs: number): void
  /** A transaction that stores logs is durable. */
  committed(tookMs: number): void
  cleanedUp(round: CleanupRound | 'failed'): void
  /** All that was noted was merged into the counts. */
  merged(): void
}

/** Up to two seconds of notes to add is nothing to a read, and the more there are, the more fall into one count; see docs/decisions.md. */
const MERGE_INTERVAL_MS = 2 * SECOND_MS

const NO_PLACE = new Error('timeout exceeded when waiting for a place among the reads')

const LOST = 'the thread that writes to SQLite has ended: nothing is stored until the process starts anew'

export interface CoreOptions {
  readonly config: Config
  readonly logger: Logger
  readonly clock?: Clock | undefined
  /** Called when the database can be used no more before the process ends. */
  readonly onLost?: () => void
  /** For maintenance commands: statements may take long. */
  readonly unhurried?: boolean
  /** Whether a database file that is missing is created; true unless given. */
  readonly mayCreate?: boolean
  readonly witness?: CoreWitness | undefined
}

/**
 * Opens the database and wires everything to it that does not speak HTTP.
 * @throws {DatabaseOpenError} with a sentence for the operator
 */
export async function createCore({
  config,
  logger,
  clock = systemClock,
  unhurried,
  mayCreate,
  witness,
  onLost,
}: CoreOptions): Promise<Core> {
  const lifecycle = createLifecycle(logger)
  const database = await openDatabase(config.databaseUrl, {
    poolSize: config.poolSize,
    sqliteReaders: config.sqliteReaders,
    requestMs: config.requestTimeoutMs,
    clock,
    logger,
    unhurried,
    mayCreate,
    onLost: () => {
      logger.error({}, LOST)
      onLost?.()
    },
  })
  lifecycle.add('database', { stop: () => database.close() })
  const keeping = await createKeeping(database, { days: config.retentionDays, clock, logger }).catch(
    async (error: unknown) => {
      await lifecycle.stop()
      throw error
    },
  )
  const retentionMs = keeping.days * DAY_MS
  const keys = createKeyStore(database, { clock, logger })
  lifecycle.add('keys', keys)
  const longWork = createLongWork(clock)
  const { yieldIfLong } = longWork
  const feed = createFeed(database, connectionLogKind, { clock, logger, yieldIfLong })
  lifecycle.add('feed', feed)
  const store = announcing(
    createLogStore(database, connectionLogKind, { yieldIfLong }),
    (tookMs) => {
      feed.announce()
      witness?.committed(tookMs)
    },
    clock,
  )
  const horizon = () => ({ nowMs: clock.now(), retentionMs })
  const commits = createGroupCommit<ConnectionLog>((groups) => store.append(groups, horizon), { clock })
  const retention = createRetention(database, connectionLogKind, {
    clock,
    keptDays: keeping.keptDays,
    logger,
  })
  const terms = createTermsRewriter(database, connectionLogKind, { clock, logger })
  const counts = createCountKeeper(database, connectionLogKind, { clock, logger })
  const streams = createOpenStreams({
    perKey: config.streamsPerKey,
    total: config.streams,
    userPercent: config.userSharePercent,
    clock,
  })
  const cursorSecret = createInstanceSecret(database, clock.now)
  const platforms = createPlatforms(config.extraPlatforms)
  const { readsAtOnce: places, readWaitMs: waitMs } = database
  const shares = createFairSemaphore({
    places,
    sharePercent: config.userSharePercent,
    limit: waitMs === undefined ? undefined : { waitMs, clock, error: () => unavailable(NO_PLACE) },
  })
  const readsOf = createFairReads(database, shares, clock)
  const logsOf = createConnectionLogs({
    store,
    commits,
    retention,
    platforms,
    readFor: (principal, signal) => readsOf(shareholderOf(principal), signal),
    following: createFollowing({
      feed,
      shares,
      streams,
      keyWatch: keys,
      clock,
      retentionMs,
      cursorSecret,
    }),
    erasure: createErasure(database, connectionLogKind, clock),
    keys,
    clock,
    retentionMs,
    yieldIfLong,
    cursorSecret,
  })
  const connectionLogsOf: Core['connectionLogsOf'] = (principal, signal) => {
    const logs = logsOf(principal, signal)
    return witness ? tallied(logs, witness.recorded) : logs
  }
  async function warnOfUnlistedPlatforms(): Promise<void> {
    const unlisted = await unlistedPlatforms(logsOf(OPERATOR), { platforms, retentionMs })
    if (unlisted.length > 0)
      logger.warn({ platforms: unlisted }, 'logs of these platforms are stored: add them to EXTRA_PLATFORMS')
  }
  return {
    keys,
    managedKeysOf: createManagedKeys({ keys, models: database, clock }),
    database,
    longWork,
    connectionLogsOf,
    connectionLogs: connectionLogsOf(OPERATOR),
    counts,
    terms,
    feed,
    figures: () => ({
      feed: feed.figures(),
      openStreams: streams.count(),
      pendingLogs: commits.pendingLogs(),
    }),
    claimDemo: () => claimDemo(database, clock.now()),
    endStreams: streams.endAll,
    platforms,
    retentionMs,
    rememberedDays: keeping.rememberedDays,
    start: async () => {
      lifecycle.add('retention', await keeping.start())
      lifecycle.add('cleanup', retention.start(config.cleanupIntervalMs, witness?.cleanedUp))
      lifecycle.add('search terms', terms.start())
      lifecycle.add('counts', counts.start(MERGE_INTERVAL_MS, witness?.merged))
      if (database.allowances) {
        const { forget } = database.allowances
        lifecycle.add('rate limits', every(MINUTE_MS, 'rate limits', forget, { clock, logger }))
      }
      keys.start()
      // Not worth a failed start.
      await warnOfUnlistedPlatforms().catch((error: unknown) => logFailure(error, {}, logger))
    },
    stop: () => {
      streams.endAll()
      return lifecycle.stop()
    },
  }
}

/** A store that tells when it has stored something, and how long that took in milliseconds. */
function announcing<Log extends ConnectionLog, Filter>(
  store: LogStore<Log, Filter>,
  onStored: (tookMs: number) => void,
  { steadyMs }: Clock,
): LogStore<Log, Filter> {
  return {
    ...store,
    append: async (groups, horizon) => {
      const startMs = steadyMs()
      const outcomes = await store.append(groups, horizon)
      onStored(steadyMs() - startMs)
      return outcomes
    },
  }
}
