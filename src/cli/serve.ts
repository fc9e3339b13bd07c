import { type App, createApp } from '../app.ts'
import { seedDemo } from '../demo/seed.ts'
import { listen } from '../http/listen.ts'
import { GRAPHQL_PATH } from '../http/paths.ts'
import { systemClock } from '../kernel/clock.ts'
import type { Running } from '../kernel/lifecycle.ts'
import { keyHint, noKeysHint, readStartupFacts, startupLines } from './startup.ts'
import { CommandError, type Terminal, count, print } from './terminal.ts'
import { startTracing } from './tracing.ts'
import { readVersion } from './version.ts'
import { withOpened } from './with-app.ts'

/** How long the database may take to be closed, in milliseconds: together with the server's 8 seconds less than 10. */
const CLOSE_MS = 1_500

/** `connlog serve`: migrates, serves until it is told to stop, then ends what is under way. */
export async function serve(terminal: Terminal): Promise<void> {
  const tracing = await startTracing(terminal.env)
  try {
    await serveTraced(terminal, tracing)
  } finally {
    await tracing?.stop()
  }
}

async function serveTraced(terminal: Terminal, tracing: Running | undefined): Promise<void> {
  const lost = new AbortController()
  await withOpened(
    terminal,
    (options) => createApp({ ...options, ownProcess: true, onLost: () => lost.abort() }),
    async ({ app, config, logger }) => {
      await app.database.migrations.apply()
      const server = await listen(app.fetch, {
        port: config.port,
        host: config.host,
        keepAliveMs: config.keepAliveMs,
        compression: config.compression,
        turnAway: app.turnAway,
        unreadable: app.unreadable,
        onConnection: app.longWork.noteConnection,
        clock: systemClock,
      }).catch((error: unknown) => {
        throw new CommandError(`Could not listen on ${config.host}:${config.port}: ${listenReason(error)}.`)
      })
      try {
        // Only now, so that a port that is taken does not cost the one sight of the demo's key.
        const demo = config.demo
          ? await seedDemo(app, { clock: systemClock, retentionMs: app.retentionMs })
          : undefined
        await app.start()
        const endpoint = `${server.address}${GRAPHQL_PATH}`
        print(terminal, `connlog ${readVersion()} listens on ${server.address}`)
        const facts = await readStartupFacts(app, config, server.address)
        const { isTTY } = terminal.stdout
        if (isTTY) for (const line of startupLines(facts)) print(terminal, line)
        if (demo) {
          print(
            terminal,
            `Demo: ${count(demo.logs)} logs, most of them of the user ${demo.userId}. The address below opens GraphiQL with a key of theirs, once and within ten minutes.`,
          )
        }
        if (config.graphiql)
          print(terminal, `GraphiQL: ${endpoint}${demo ? `#code=${app.keyCodes.issue(demo.key)}` : ''}`)
        const lacksKeys = facts.validKeys === 0
        if (config.graphiql && !demo) print(terminal, await keyHint(terminal, app, facts))
        else if (isTTY && lacksKeys) print(terminal, noKeysHint(terminal))
        if (!isTTY || !terminal.stderr.isTTY)
          logger.info({ ...facts, hint: lacksKeys ? noKeysHint(terminal) : undefined }, 'listening')
        await aborted(AbortSignal.any([terminal.stop, lost.signal]))
        if (lost.signal.aborted)
          throw new CommandError('The thread that writes to SQLite has ended. Start the service again.')
        logger.info({}, 'stopping')
        app.drain()
        server.drain()
        await systemClock.sleep(config.shutdownDelayMs)
      } finally {
        // They would go on for as long as the server waits for those who are being served.
        app.endStreams()
        await server.stop()
      }
    },
    (app) => closeInTime(app, tracing),
  )
}

/** Whoever was served has been by now; what does not answer is not waited for, be it the database or a collector of spans. */
async function closeInTime(app: App, tracing: Running | undefined): Promise<void> {
  await Promise.race([Promise.all([app.stop(), tracing?.stop()]), systemClock.sleep(CLOSE_MS)])
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function listenReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const reasons: Record<string, string> = {
    EADDRINUSE: 'the port is taken. Set PORT to another one, or to 0 for any free one',
    EACCES: 'this user may not listen there',
    EADDRNOTAVAIL: 'this machine does not have that address',
    ENOTFOUND: 'there is no such host',
  }
  return reasons[code] ?? (code || 'the system refused')
}
