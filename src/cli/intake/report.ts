import { cut } from '../../kernel/errors.ts'
import { visible } from '../../kernel/visible.ts'
import { type Terminal, count, say } from '../terminal.ts'

export interface Counts {
  /** Stored now. */
  readonly accepted: number
  /** Stored before. */
  readonly duplicates: number
  readonly rejected: number
  /** Logs whose retention ended before they were stored. */
  readonly expired: number
}

/** What becomes of logs while they are taken in, and how it is told at the end. */
export interface Report {
  counts(): Counts
  /** Counts a log that was recorded, or was there already. */
  add(result: 'accepted' | 'duplicate'): void
  /** @param about tells reasons apart: those that are the same are told together */
  reject(name: string, error: string, about?: string): void
  /** Counts a log of a platform that is not known. */
  rejectPlatform(platform: string): void
  /** Counts a log whose retention has ended. */
  expire(): void
  countSkipped(fields: readonly string[]): void
  /** Tells, a line each, what was rejected and why, and what was skipped. */
  tell(terminal: Pick<Terminal, 'stderr'>): void
  /** All of it, for programs. */
  toJson(): object
}

/** Different reasons, and names for each, that are told. */
const MAX_REASONS = 1_000
const MAX_NAMES = 10

/** Different names of fields and of platforms that are counted: a server may make up any number of them. */
const MAX_COUNTED = 100
const OTHERS = 'others'
const SHOWN_LENGTH = 60

interface Reason {
  readonly error: string
  readonly names: string[]
  count: number
}

export function createReport(): Report {
  const sum = { accepted: 0, duplicates: 0, rejected: 0, expired: 0 }
  const reasons = new Map<string, Reason>()
  const skipped = new Map<string, number>()
  const platforms = new Map<string, number>()
  let untold = 0

  const increase = (counts: Map<string, number>, given: string) => {
    const shown = cut(visible(given), SHOWN_LENGTH)
    const name = counts.has(shown) || counts.size < MAX_COUNTED ? shown : OTHERS
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }

  function tell(terminal: Pick<Terminal, 'stderr'>): void {
    for (const { error, names, count: times } of reasons.values())
      say(terminal, `${namesOf(names, times)}: ${error}`)
    if (untold > 0) say(terminal, `… and ${count(untold)} more.`)
    for (const [platform, times] of platforms) {
      const logs = times === 1 ? '1 log of the platform' : `${count(times)} logs of the platform`
      const isName = /^[a-z][a-z0-9_]*$/.test(platform) && platform !== OTHERS
      const remedy = isName
        ? `set EXTRA_PLATFORMS=${platform} to store ${times === 1 ? 'it' : 'them'}`
        : 'connlog does not know it'
      say(terminal, `${logs} ${platform} ${times === 1 ? 'was' : 'were'} skipped; ${remedy}.`)
    }
    if (skipped.size > 0) {
      const fields = [...skipped].map(([name, times]) => `${count(times)} × ${name}`)
      say(terminal, `Skipped ${fields.join(', ')}.`)
    }
  }

  return {
    counts: () => ({ ...sum }),
    add: (result) => void (sum[result === 'duplicate' ? 'duplicates' : result] += 1),
    reject: (name, error, about = error) => {
      sum.rejected += 1
      const known = reasons.get(about)
      if (known) {
        known.count += 1
        if (known.names.length < MAX_NAMES && !known.names.includes(name)) known.names.push(name)
      } else if (reasons.size < MAX_REASONS) reasons.set(about, { error, names: [name], count: 1 })
      else untold += 1
    },
    rejectPlatform: (platform) => {
      sum.rejected += 1
      increase(platforms, platform)
    },
    expire: () => void (sum.expired += 1),
    countSkipped: (fields) => {
      for (const field of fields) increase(skipped, field)
    },
    tell,
    toJson: () => ({
      ...sum,
      skippedFields: Object.fromEntries(skipped),
      skippedPlatforms: Object.fromEntries(platforms),
      errors: [...reasons.values()].map(({ error, names, count: times }) => ({
        error,
        count: times,
        logs: names,
      })),
    }),
  }
}

/** `line 3`; `line 3, line 7 and 20 more`. */
function namesOf(names: readonly string[], times: number): string {
  return names.length === times
    ? names.join(', ')
    : `${names.join(', ')} and ${count(times - names.length)} more`
}

/** What became of the logs, without a full stop: `2 stored, 1 there already, 3 rejected`. */
export function counted(report: Pick<Report, 'counts'>): string {
  const { accepted, duplicates, rejected } = report.counts()
  return `${count(accepted)} stored, ${count(duplicates)} there already, ${count(rejected)} rejected`
}

export function doneOf(report: Pick<Report, 'counts'>): number {
  const { accepted, duplicates, rejected, expired } = report.counts()
  return accepted + duplicates + rejected + expired
}
