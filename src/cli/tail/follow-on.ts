import type { ConnectionLog } from '../../connections/event.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { formatInstant } from '../../kernel/instant.ts'
import type { LogSource } from './log-source.ts'
import { type PatienceOptions, createPatience } from './patience.ts'

/** Where to begin: at this moment, behind a cursor, or with what is kept from an instant on. */
export type Since = { readonly is: 'now' } | { readonly is: 'cursor'; readonly cursor: string } | SinceInstant

interface SinceInstant {
  readonly is: 'instant'
  readonly ms: number
}

export interface FollowOnOptions extends PatienceOptions {
  readonly clock: Clock
  /** Resolves when there is room for more; rejects as soon as `stop` is aborted. */
  readonly put: (logs: readonly ConnectionLog[]) => Promise<void>
}

/** How far it came. */
export interface Progress {
  /** The cursor of who has seen all that was put; undefined until the feed has been heard, or what is kept is put. */
  cursor: string | undefined
  /** Whether logs were passed over because they are kept no more. */
  hasMissed: boolean
}

/**
 * Puts logs as they are recorded, each once, from whatever source and through all its failures, until it is stopped.
 * @param progress is kept up to date
 * @throws the failure that another try cannot mend; whatever `stop` was aborted with
 */
export async function followOn(
  source: LogSource,
  since: Since,
  progress: Progress,
  options: FollowOnOptions,
): Promise<never> {
  const { clock, say, put } = options
  const patience = createPatience(options)
  // Of what is kept: what was recorded while that was read comes by the feed once more.
  const ids = new Set<string>()
  const fresh = (logs: readonly ConnectionLog[]) => logs.filter(({ id }) => !ids.has(id))

  async function feedCursor(): Promise<string> {
    for (;;) {
      try {
        const cursor = await source.cursor()
        patience.answered()
        return cursor
      } catch (error) {
        await patience.afterFailure(error)
      }
    }
  }

  async function putStored({ ms }: SinceInstant): Promise<void> {
    for (let fromMs = ms; ;) {
      try {
        for await (const logs of source.stored(fromMs)) {
          patience.answered()
          const unseen = fresh(logs)
          await put(unseen)
          for (const { id } of unseen) ids.add(id)
          // They are in order, so after a failure this is where to go on.
          fromMs = logs.at(-1)?.createdAt ?? fromMs
        }
        return
      } catch (error) {
        // Of a page, whose place expired while it was waited for.
        if (!isExpired(error)) await patience.afterFailure(error)
      }
    }
  }

  let after = since.is === 'cursor' ? since.cursor : undefined
  if (since.is === 'instant') {
    // First the cursor: what is not kept yet when that is taken comes behind it.
    after = await feedCursor()
    await putStored(since)
    progress.cursor = after
  }
  let heardMs: number | undefined
  for (;;) {
    try {
      for await (const { cursor, log } of source.follow(after)) {
        patience.answered()
        heardMs = clock.now()
        if (log && !ids.delete(log.id)) await put([log])
        after = cursor
        progress.cursor = cursor
      }
      options.stop.throwIfAborted()
      throw new AppError('SERVICE_UNAVAILABLE', 'The feed has ended.')
    } catch (error) {
      if (!isExpired(error) || heardMs === undefined) await patience.afterFailure(error)
      else {
        say(missed(formatInstant(heardMs)))
        progress.hasMissed = true
        after = undefined
      }
    }
  }
}

const isExpired = (error: unknown): boolean => error instanceof AppError && error.code === 'CURSOR_EXPIRED'

const missed = (since: string) =>
  `What was recorded from ${since} to now is missing: the feed has no such place any more, because it was away for ` +
  `longer than logs are kept or has been restored. \`connlog export --after ${since}\` has what is kept. Going on from now.`
