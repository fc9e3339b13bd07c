import type { IngestSummary } from '../connections/ndjson.ts'
import { type Terminal, count } from './terminal.ts'

type Counts = Pick<IngestSummary, 'accepted' | 'duplicates' | 'rejected'>

/** What became of the logs, without a full stop: `2 stored, 1 there already, 3 rejected`. */
export const counted = ({ accepted, duplicates, rejected }: Counts): string =>
  `${count(accepted)} stored, ${count(duplicates)} there already, ${count(rejected)} rejected`

export const doneOf = ({ accepted, duplicates, rejected }: Counts): number => accepted + duplicates + rejected

/** Tells, a line each, which logs were rejected and why; of those that are too many, how many. */
export function tellRejected(
  { stderr }: Terminal,
  errors: readonly { readonly name: string; readonly error: string }[],
  rejected: number,
): void {
  for (const { name, error } of errors) stderr.write(`${name}: ${error}\n`)
  if (rejected > errors.length) stderr.write(`… and ${count(rejected - errors.length)} more.\n`)
}
