import { type Clock, HOUR_MS, MINUTE_MS, SECOND_MS } from '../kernel/clock.ts'
import { visibleLine } from '../kernel/visible.ts'
import { type Terminal, count, say } from './terminal.ts'

/** How far a command is. */
export interface SoFar {
  /** Logs that are done. */
  readonly done: number
  /** Of about how many, where that is known. */
  readonly total?: number | undefined
  /** The part of the work that is done, 0 to 1, where that is known; then the time left is told. */
  readonly part?: number | undefined
}

/** A line at the foot of a terminal that says how far a command is; nothing where standard error is no terminal. */
export interface Progress {
  show(soFar: SoFar): void
  /** Writes a line of its own to standard error, above the progress. */
  say(line: string): void
  /** Leaves the last state on the terminal. */
  end(): void
}

/** More often than a few times a second nobody can read. */
const UPDATE_MS = 250

export function createProgress({ stderr }: Pick<Terminal, 'stderr'>, clock: Clock): Progress {
  const startedAt = clock.now()
  let latest: SoFar | undefined
  let shownAt = Number.NEGATIVE_INFINITY
  let width = 0

  /** Puts a text in the place of the last one, whose rest is covered with spaces. */
  const draw = (text: string) => {
    stderr.write(`\r${text.padEnd(width)}`)
    width = text.length
  }
  const drawLatest = () => {
    if (latest) draw(describe(latest, clock.now() - startedAt))
  }

  if (!stderr.isTTY) {
    return { show: () => undefined, say: (line) => say({ stderr }, line), end: () => undefined }
  }
  return {
    show: (soFar) => {
      latest = soFar
      if (clock.now() - shownAt < UPDATE_MS) return
      shownAt = clock.now()
      drawLatest()
    },
    say: (line) => {
      draw(visibleLine(line))
      stderr.write('\n')
      width = 0
      drawLatest()
    },
    end: () => {
      if (!latest) return
      drawLatest()
      stderr.write('\n')
      latest = undefined
      width = 0
    },
  }
}

function describe({ done, total, part }: SoFar, elapsedMs: number): string {
  const ms = Math.max(1, elapsedMs)
  const logs = total === undefined ? `${count(done)} logs` : `${count(done)} of about ${count(total)} logs`
  const rate = `${count(Math.round((done * SECOND_MS) / ms))} a second`
  if (part === undefined || part <= 0) return `${logs}, ${rate}`
  const left = part < 1 ? `, ${duration((ms * (1 - part)) / part)} left` : ''
  return `${logs}, ${rate}, ${Math.floor(part * 100)} %${left}`
}

/** A stretch of time as people read it, rounded up: 45 s, 3 min 20 s, 2 h 5 min. */
export function duration(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.ceil(ms / SECOND_MS)} s`
  return ms < HOUR_MS
    ? inUnits(ms, MINUTE_MS, 'min', SECOND_MS, 's')
    : inUnits(ms, HOUR_MS, 'h', MINUTE_MS, 'min')
}

function inUnits(ms: number, largeMs: number, largeUnit: string, smallMs: number, smallUnit: string): string {
  const smalls = Math.ceil(ms / smallMs)
  const perLarge = largeMs / smallMs
  const large = `${Math.floor(smalls / perLarge)} ${largeUnit}`
  return smalls % perLarge === 0 ? large : `${large} ${smalls % perLarge} ${smallUnit}`
}
