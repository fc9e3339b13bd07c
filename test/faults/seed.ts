import { randomInt } from 'node:crypto'
import { type Random, createRandom } from '../../src/demo/random.ts'

/**
 * Chance for a test of faults. The seed is printed; `FAULT_SEED` sets it, so that a run can be repeated as far as timing
 * allows.
 */
export function seededRandom(test: string): Random {
  const seed = Number(process.env['FAULT_SEED'] ?? randomInt(2 ** 31))
  report(`${test}: seed ${seed} (FAULT_SEED=${seed} repeats it)`)
  return createRandom(seed)
}

/** A line for whoever runs the tests. */
export function report(line: string): void {
  process.stdout.write(`${line}\n`)
}
