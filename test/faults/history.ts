/** An event as its producer knows it. */
export interface FaultEvent {
  /** Who it is of, and what it is called there: the name under which it may be stored once. */
  readonly key: string
  /** What it tells. The same key with other content is another event, which must not be stored beside the first. */
  readonly content: number
}

/**
 * What a client knows of an event that it sent. `ok`: it was acknowledged. `failed`: it was refused, so it must not
 * be stored on account of this attempt. `unknown`: the answer did not come, or said that it may be either way.
 */
export type Outcome = 'ok' | 'failed' | 'unknown'

/** One request, or one line of a stream of lines, and what became of it. */
export interface Attempt {
  /** More than one only where all or none of them are stored. */
  readonly events: readonly FaultEvent[]
  readonly outcome: Outcome
}

/** A log as it lies in the database. */
export interface StoredEvent extends FaultEvent {
  readonly id: string
}

export interface Verdict {
  /** Different events that were acknowledged at least once. */
  readonly acknowledged: number
  /** Different events that were never acknowledged and may be stored or not. */
  readonly unknown: number
  readonly stored: number
  /** Acknowledged and not there. */
  readonly lost: readonly string[]
  /** There more than once. */
  readonly duplicated: readonly string[]
  /** There with other content than was acknowledged. */
  readonly altered: readonly string[]
  /** There, and part of nothing but requests of which other events are missing. */
  readonly torn: readonly string[]
  /** There although every request for it was refused. */
  readonly refused: readonly string[]
  /** There although nobody sent it. */
  readonly phantom: readonly string[]
}

const nameOf = ({ key, content }: FaultEvent) => `${key}#${content}`

/**
 * Holds what is stored against what clients know, as Jepsen's set checker does: what was acknowledged is there once,
 * what was refused is not, and what is unknown may be either way, but whole.
 */
export function check(history: readonly Attempt[], stored: readonly StoredEvent[]): Verdict {
  const times = new Map<string, number>()
  const contents = new Map<string, Set<number>>()
  for (const { key, content } of stored) {
    times.set(key, (times.get(key) ?? 0) + 1)
    contents.set(key, (contents.get(key) ?? new Set()).add(content))
  }
  const isStored = ({ key, content }: FaultEvent) => contents.get(key)?.has(content) === true

  const acknowledged = new Map<string, FaultEvent>()
  const attempted = new Set<string>()
  /** Events of which some request did not fail, and those of them whose request may have been carried out. */
  const possible = new Set<string>()
  const explained = new Set<string>()
  for (const { events, outcome } of history) {
    const mayBeCarriedOut = outcome !== 'failed' && events.every(isStored)
    for (const event of events) {
      const name = nameOf(event)
      attempted.add(name)
      if (outcome === 'ok') acknowledged.set(name, event)
      if (outcome !== 'failed') possible.add(name)
      if (mayBeCarriedOut) explained.add(name)
    }
  }

  const unexplained = stored.map(nameOf).filter((name) => !explained.has(name))
  const unacknowledged = [...possible].filter((name) => !acknowledged.has(name))
  const promised = [...acknowledged.values()]
  return {
    acknowledged: acknowledged.size,
    unknown: unacknowledged.length,
    stored: stored.length,
    lost: promised.filter(({ key }) => !times.has(key)).map(nameOf),
    duplicated: [...times].filter(([, count]) => count > 1).map(([key]) => key),
    altered: promised.filter((event) => times.has(event.key) && !isStored(event)).map(nameOf),
    torn: unexplained.filter((name) => possible.has(name) && !acknowledged.has(name)),
    refused: unexplained.filter((name) => attempted.has(name) && !possible.has(name)),
    phantom: unexplained.filter((name) => !attempted.has(name)),
  }
}

/** What a verdict holds where every promise was kept. */
export const FLAWLESS = { lost: [], duplicated: [], altered: [], torn: [], refused: [], phantom: [] }

/** A verdict in a line. */
export const figures = ({ acknowledged, unknown, lost, duplicated, torn }: Verdict): string =>
  `${acknowledged} acknowledged, ${unknown} left unknown, ${lost.length} lost, ${duplicated.length} duplicates, ${torn.length} torn`
