import { Socket } from 'node:net'
import pg from 'pg'
import { type Clock, SECOND_MS } from '../../kernel/clock.ts'
import type { Running } from '../../kernel/lifecycle.ts'
import type { Logger } from '../../kernel/logger.ts'
import { socketThatEnds } from './sockets.ts'

/**
 * Notices that Postgres has fallen silent long before a statement would have to be over: where the network swallows
 * everything, nobody says so. A database that is slow is another thing. It says something to somebody, takes those who log
 * in, and knows what it is working on.
 */
export interface Pulse extends Running {
  /** For each connection of the pool. While Postgres is silent it fails at once. */
  socket(): Socket
  /** Looks after the connections of a pool that is made of these sockets. */
  attend(pool: pg.Pool): void
}

/** How long nothing may be heard on a connection that waits for an answer before Postgres is asked another way. */
const QUIET_MS = SECOND_MS

/** Pause between two tries to log in while it is silent. */
const RETRY_MS = 250

/** What is used of a connection and not in its types. */
interface Line {
  /** False while a statement is under way. */
  readonly readyForQuery: boolean
  /** Of the server's process; a pooler that stands between makes one up. */
  readonly processID: number | null
  readonly connection: { readonly stream: Socket }
}

export interface PulseOptions {
  readonly settings: pg.ClientConfig
  /** How long to log in may take, in milliseconds. */
  readonly connectMs: number
  /** How long a connection may say nothing, whatever is known of Postgres, in milliseconds. */
  readonly silenceMs: number
  readonly clock: Clock
  readonly logger: Logger
}

export function createPulse({ settings, connectMs, silenceMs, clock, logger }: PulseOptions): Pulse {
  const over = new AbortController()
  const sockets = new Set<Socket>()
  const lines = new Set<Line>()
  let heardOnClosed = 0
  let isSilent = false
  let silentSinceMs = 0
  /** Processes of the server that worked for connections which were given up in the silence. */
  const left = new Set<number>()
  let pool: pg.Pool | undefined
  let watching: Promise<void> | undefined

  /** Bytes that ever came, on whatever connection. */
  const heard = () => [...sockets].reduce((sum, { bytesRead }) => sum + bytesRead, heardOnClosed)
  const isAsked = () => pool !== undefined && pool.totalCount > pool.idleCount
  const waiting = () => [...lines].filter((line) => trafficOf(line) !== undefined)

  /** Looks while anything is under way, and until it is heard again. */
  async function watch(): Promise<void> {
    // Who has just been given a connection has asked nothing yet.
    await clock.sleep(0)
    while (!over.signal.aborted && (isSilent || isAsked())) {
      const heardBefore = heard()
      const before = waiting().map((line) => ({ line, traffic: trafficOf(line) }))
      await clock.sleep(isSilent ? RETRY_MS : QUIET_MS, over.signal)
      /** Those on which nothing has come or gone since. */
      const quiet = () =>
        before.filter(({ line, traffic }) => trafficOf(line) === traffic).map(({ line }) => line)
      if (over.signal.aborted || (!isSilent && quiet().length === 0 && heard() !== heardBefore)) continue
      const heardWhenAsked = heard()
      const atRest = await askAnotherWay(quiet)
      if (over.signal.aborted) continue
      fallSilent(atRest === undefined && heard() === heardWhenAsked)
      for (const line of quiet()) if (atRest?.has(line.processID)) line.connection.stream.destroy()
    }
    watching = undefined
  }

  function fallSilent(to: boolean): void {
    if (to !== isSilent) logger.warn({}, to ? SILENT : HEARD)
    if (to && !isSilent) silentSinceMs = clock.steadyMs()
    isSilent = to
    if (!to) return
    for (const { processID } of lines) if (processID !== null) left.add(processID)
    // Nothing will come of them. Those that are made from now on fail at once, until somebody could log in.
    for (const socket of sockets) socket.destroy()
  }

  /**
   * Logs in, and asks which of these connections Postgres is not working for: what they wait for was lost on the way. It
   * does not know so yet, and ends what it holds for them, lest locks outlive the outage.
   * @returns undefined if nothing came back
   */
  async function askAnotherWay(
    quiet: () => readonly Line[],
  ): Promise<ReadonlySet<number | null> | undefined> {
    const socket = kept(new Socket())
    const client = new pg.Client({ ...settings, connectionTimeoutMillis: 0, stream: () => socket })
    client.on('error', () => undefined)
    // A connection that is free may be answered where nobody can log in.
    if (pool && pool.idleCount > 0) void pool.query('SELECT 1').catch(() => undefined)
    // One byte is enough to end the silence, and a try that the network has swallowed is not to keep back the next.
    const withinMs = isSilent ? Math.min(connectMs, QUIET_MS) : connectMs
    const answered = new AbortController()
    const ask = async () => {
      await client.connect()
      // Asked now: where this process was busy, what had come already has been read meanwhile.
      const { rows } = await client.query<{ pid: number }>(AT_REST, [
        quiet().map(({ processID }) => processID),
      ])
      if (left.size > 0) await client.query(END_THOSE_LEFT, [[...left], clock.steadyMs() - silentSinceMs])
      left.clear()
      return new Set<number | null>(rows.map(({ pid }) => pid))
    }
    try {
      return await Promise.race([
        // What fails at once fails for those who ask, too, and they need not be told by us.
        ask().catch(() => new Set<number | null>()),
        clock.sleep(withinMs, AbortSignal.any([answered.signal, over.signal])).then(() => undefined),
      ])
    } finally {
      answered.abort()
      socket.destroy()
    }
  }

  function kept(socket: Socket): Socket {
    sockets.add(socket)
    socket.on('close', () => {
      if (sockets.delete(socket)) heardOnClosed += socket.bytesRead
    })
    return socket
  }

  const look = () => void (watching ??= watch())

  return {
    socket: () => {
      const socket = socketThatEnds(silenceMs)
      if (isSilent) socket.connect = () => socket.destroy()
      look()
      return kept(socket)
    },
    attend: (attended) => {
      pool = attended
      pool.on('connect', (client) => {
        const line = client as unknown as Line
        lines.add(line)
        line.connection.stream.once('close', () => lines.delete(line))
      })
      pool.on('acquire', look)
    },
    stop: async () => {
      over.abort()
      await watching
    },
  }
}

const SILENT = 'Postgres says nothing: requests that need it are refused until it does'
const HEARD = 'Postgres answers again'

/**
 * Whoever has waited for an answer for a second, from a process that has had nothing to do for a second, waits in vain. A
 * statement that is slow is `active`.
 */
const AT_REST = `
  SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE pid = ANY($1::integer[]) AND usename = current_user
    AND state LIKE 'idle%' AND state_change < clock_timestamp() - interval '1 second'`

/** A process that began later has got the number of one that has ended. */
const END_THOSE_LEFT = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE pid = ANY($1::integer[]) AND usename = current_user
    AND backend_start < clock_timestamp() - $2::double precision * interval '1 millisecond'`

/** How many bytes have gone and come on a connection that waits for an answer; undefined where none does. */
const trafficOf = ({ readyForQuery, connection: { stream } }: Line): string | undefined =>
  readyForQuery || stream.destroyed ? undefined : `${stream.bytesWritten} ${stream.bytesRead}`
