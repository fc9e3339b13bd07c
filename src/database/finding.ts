import type { LogTable } from './dialect.ts'

/** One thing that was looked at on behalf of the operator. Sentences without their full stop. */
export type Finding =
  | { readonly is: 'ok'; readonly what: string }
  /** Something that a promise rests on is not so. */
  | { readonly is: 'wrong'; readonly what: string; readonly mend: string }
  /** Worth knowing, or not to be seen from here. */
  | { readonly is: 'note'; readonly what: string }

export const ok = (what: string): Finding => ({ is: 'ok', what })
export const wrong = (what: string, mend: string): Finding => ({ is: 'wrong', what, mend })
export const note = (what: string): Finding => ({ is: 'note', what })

/** What a database tells of its own state, read back from itself. Nothing is changed by it. */
export interface Health {
  /** Whether what is committed stays: version, durability, who connects. Before any migration too. */
  settings(): Promise<Finding[]>
  /** How much room there is. */
  space(): Promise<Finding[]>
  /** Parts of the storage for these days (counted from 1970-01-01 UTC), and what waits to be merged. */
  storage(table: LogTable, days: readonly number[]): Promise<Finding[]>
}

/** 12.3 MB; in powers of ten, as disks are sold. */
export function bytes(count: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(count, 1)) / 3))
  return `${power === 0 ? count : (count / 1_000 ** power).toFixed(1)} ${units[power]}`
}
