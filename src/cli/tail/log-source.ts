import type { ConnectionLog } from '../../connections/event.ts'

/** Where the logs that are followed come from. All of it throws AppErrors, and whatever `stop` was aborted with. */
export interface LogSource {
  /** The cursor of this moment. */
  cursor(): Promise<string>
  /**
   * The logs that match and are kept, from an instant on, oldest first: all that were there before it was asked for, less
   * what expires or is deleted before its turn; perhaps some that came meanwhile.
   */
  stored(sinceMs: number): AsyncIterable<readonly ConnectionLog[]>
  /**
   * Logs that match as they are recorded. It ends with an error, or because it is told to.
   * @param after a cursor; undefined to begin at this moment
   */
  follow(after: string | undefined): AsyncIterable<Followed>
}

export interface Followed {
  /** Where to go on from, for who has seen this log and all before it. */
  readonly cursor: string
  /** Absent where none matched, and the cursor alone has moved on. */
  readonly log?: ConnectionLog
}
