import { createHash, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import pg from 'pg'
import { type Clock, SECOND_MS } from '../../kernel/clock.ts'
import type { Running } from '../../kernel/lifecycle.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { Hints } from '../hints.ts'
import { socketThatEnds } from './sockets.ts'

/** Channels are of a whole database, so each schema has its own. In `public` it is the one of older versions. */
export const channelOf = (schema: string): string =>
  schema === 'public'
    ? 'connlog_feed'
    : `connlog_feed_${createHash('sha256').update(schema).digest('hex').slice(0, 16)}`

/**
 * Least time between two notifications of a process, in milliseconds. Postgres commits those who notify one after
 * another, so no transaction that stores logs does, and few others.
 */
const ANNOUNCE_EVERY_MS = 50

const RECONNECT_MS = SECOND_MS

const CHECK_MS = 5 * SECOND_MS

/** A connection that says nothing for so many checks is dead: the network may swallow all without a word. */
const SILENT_CHECKS = 2

/** How long the end of a connection may take, in milliseconds. */
const GOODBYE_MS = SECOND_MS

const DEAF =
  'what other processes tell is not heard, as behind a pooler: their logs come up to a second later'

export interface PostgresHintsOptions {
  readonly pool: pg.Pool
  readonly settings: pg.ClientConfig
  readonly schema: string
  readonly clock: Clock
  readonly logger: Logger
  /** How often a connection that hears nothing is asked whether it is alive, in milliseconds. */
  readonly checkMs?: number
}

/**
 * Hints by NOTIFY and LISTEN. Behind a pooler that hands connections on LISTEN succeeds, and nothing is heard, and nothing
 * is lost. To know of it, whoever listens is sent something by another connection now and then.
 */
export function createHints({
  pool,
  settings,
  schema,
  clock,
  logger,
  checkMs = CHECK_MS,
}: PostgresHintsOptions): Hints & Running {
  const feedChannel = channelOf(schema)
  const closing = new AbortController()
  const listeners = new Set<Running>()
  let isWanted = false
  let hearing = 0
  let isToldDeaf = false
  let announcing: Promise<void> | undefined

  async function announceAll(): Promise<void> {
    while (isWanted && !closing.signal.aborted) {
      isWanted = false
      // Whoever misses it looks by itself.
      await pool.query(`NOTIFY ${feedChannel}`).catch(() => undefined)
      await clock.sleep(ANNOUNCE_EVERY_MS, closing.signal)
    }
    announcing = undefined
  }

  async function listenOnce(onHint: () => void, signal: AbortSignal): Promise<void> {
    let socket: Socket | undefined
    const client = new pg.Client({
      ...settings,
      application_name: `${settings.application_name ?? 'connlog'} feed`,
      stream: () => (socket = socketThatEnds(SILENT_CHECKS * checkMs)),
    })
    const ended = new AbortController()
    const echo = `connlog_echo_${randomBytes(8).toString('hex')}`
    let echoes = 0
    let isHearing = false
    const noteHearing = (to: boolean) => {
      if (to !== isHearing) hearing += to ? 1 : -1
      isHearing = to
    }
    client.on('error', () => ended.abort())
    client.on('end', () => ended.abort())
    client.on('notification', ({ channel }) => {
      noteHearing(true)
      if (channel === feedChannel) onHint()
      else echoes += 1
    })
    const over = AbortSignal.any([signal, ended.signal])
    try {
      await client.connect()
      await client.query(`LISTEN ${feedChannel}`)
      await client.query(`LISTEN ${echo}`)
      // What was stored while nobody listened.
      onHint()
      while (!over.aborted) {
        const echoesBefore = echoes
        const isSent = await pool.query(`NOTIFY ${echo}`).then(
          () => true,
          () => false,
        )
        await clock.sleep(checkMs, over)
        if (over.aborted) break
        await client.query('SELECT 1')
        if (!isSent) continue
        noteHearing(echoes > echoesBefore)
        if (!isHearing && !isToldDeaf) logger.warn({}, DEAF)
        isToldDeaf = !isHearing
      }
    } finally {
      noteHearing(false)
      const left = new AbortController()
      const goodbye = client.end().catch(() => undefined)
      await Promise.race([goodbye, clock.sleep(GOODBYE_MS, left.signal)])
      left.abort()
      socket?.destroy()
    }
  }

  function listen(onHint: () => void): Running {
    const stopping = new AbortController()
    const { signal } = stopping
    const loop = (async () => {
      while (!signal.aborted) {
        try {
          await listenOnce(onHint, signal)
        } catch (error) {
          if (!signal.aborted)
            logger.warn({ err: error }, 'cannot listen for logs of other processes: they come a second later')
        }
        await clock.sleep(RECONNECT_MS, signal)
      }
    })()
    const listener: Running = {
      stop: async () => {
        listeners.delete(listener)
        stopping.abort()
        await loop
      },
    }
    listeners.add(listener)
    return listener
  }

  return {
    announce: () => {
      isWanted = true
      announcing ??= announceAll()
    },
    listen,
    isHearing: () => (listeners.size === 0 ? undefined : hearing === listeners.size),
    stop: async () => {
      closing.abort()
      await Promise.all([...listeners].map((listener) => listener.stop()))
      await announcing
    },
  }
}
