/**
 * Random numbers that come out the same in every run: mulberry32, which is fast and good enough to choose pages by.
 * @param {number} seed a whole number
 * @returns {(below: number) => number} a whole number from 0 to just below
 */
export function createRandom(seed) {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}
