import type { Socket } from 'node:net'
import pg from 'pg'
import { type Clock, SECOND_MS } from '../../kernel/clock.ts'
import type { Running } from '../../kernel/lifecycle.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { Hints } from '../hints.ts'
import { socketThatEnds } from './sockets.ts'

const CHANNEL = 'connlog_feed'

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

export interface PostgresHintsOptions {
  readonly pool: pg.Pool
  readonly settings: pg.ClientConfig
  readonly clock: Clock
  readonly logger: Logger
  /** How often a connection that hears nothing is asked whether it is alive, in milliseconds. */
  readonly checkMs?: number
}

/** Hints by NOTIFY and LISTEN. Behind a pooler that hands connections on nothing is heard, and nothing is lost. */
export function createHints({
  pool,
  settings,
  clock,
  logger,
  checkMs = CHECK_MS,
}: PostgresHintsOptions): Hints & Running {
  const closing = new AbortController()
  const listeners = new Set<Running>()
  let isWanted = false
  let hearing = 0
  let announcing: Promise<void> | undefined

  async function announceAll(): Promise<void> {
    while (isWanted && !closing.signal.aborted) {
      isWanted = false
      // Whoever misses it looks by itself.
      await pool.query(`NOTIFY ${CHANNEL}`).catch(() => undefined)
      await clock.sleep(ANNOUNCE_EVERY_MS, closing.signal)
    }
    announcing = undefined
  }

  async function listenOnce(onHint: () => void, signal: AbortSignal): Promise<void> {
    let socket: Socket | undefined
    const client = new pg.Client({
      ...settings,
      application_name: 'connlog feed',
      stream: () => (socket = socketThatEnds(SILENT_CHECKS * checkMs)),
    })
    const ended = new AbortController()
    client.on('error', () => ended.abort())
    client.on('end', () => ended.abort())
    client.on('notification', onHint)
    const over = AbortSignal.any([signal, ended.signal])
    try {
      await client.connect()
      await client.query(`LISTEN ${CHANNEL}`)
      hearing += 1
      try {
        // What was stored while nobody listened.
        onHint()
        while (!over.aborted) {
          await clock.sleep(checkMs, over)
          if (!over.aborted) await client.query('SELECT 1')
        }
      } finally {
        hearing -= 1
      }
    } finally {
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
