/** A stream of numbers that is the same for the same seed: for data that should look random, never for secrets. */
export interface Random {
  /** From 0 up to but not including 1. */
  fraction(): number
  chance(probability: number): boolean
  /** A whole number, both ends included. */
  whole(min: number, max: number): number
  pick<T>(items: readonly T[]): T
  /** Picks items as often as their weights say. */
  weighted<T extends { readonly weight: number }>(items: readonly T[]): T
  hex(length: number): string
  /** Waiting times of things that happen independently of each other. */
  exponential(mean: number): number
  /** Durations: half of them below the median, with a long tail above. */
  logNormal(median: number, spread: number): number
}

export function createRandom(seed: number): Random {
  const fraction = mulberry32(seed)
  const whole = (min: number, max: number) => min + Math.floor(fraction() * (max - min + 1))
  return {
    fraction,
    chance: (probability) => fraction() < probability,
    whole,
    pick: (items) => present(items[whole(0, items.length - 1)]),
    weighted: (items) => {
      let left = fraction() * items.reduce((sum, { weight }) => sum + weight, 0)
      return present(items.find(({ weight }) => (left -= weight) < 0) ?? items.at(-1))
    },
    hex: (length) => Array.from({ length }, () => whole(0, 15).toString(16)).join(''),
    exponential: (mean) => -mean * Math.log(1 - fraction()),
    logNormal: (median, spread) => {
      const normal = Math.sqrt(-2 * Math.log(1 - fraction())) * Math.cos(2 * Math.PI * fraction())
      return median * Math.exp(spread * normal)
    },
  }
}

/** Tommy Ettinger's generator of 32 bits of state, in the public domain. */
function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function present<T>(item: T | undefined): T {
  if (item === undefined) throw new Error('Expected at least one item to pick from, got an empty list.')
  return item
}
