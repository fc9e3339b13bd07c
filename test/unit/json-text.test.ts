import { describe, expect, it } from 'vitest'
import { createJsonScanner, jsonFault, jsonFaultInTurns } from '../../src/kernel/json-scanner.ts'
import { readJsonText } from '../../src/kernel/json-text.ts'
import { parseJson } from '../../src/kernel/parse-json.ts'
import { TURN_MS, createLongWork } from '../../src/kernel/yield-if-long.ts'

const at = async () => undefined
const LIMITS = { what: 'the body', maxDepth: 64, maxValues: 100_000, yieldIfLong: at }

/** The same numbers for the same seed. */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const SCALARS = [
  '1',
  '-0.5',
  '1e5',
  '12345678901234567890',
  'true',
  'null',
  '""',
  '"a\\"],{b"',
  '"\\\\"',
  '"é\\n"',
]
const KEYS = ['"a"', '"b"', '"__proto__"', '"1"', '"x\\"y"', '""']

function randomJson(below: (most: number) => number, depth: number): string {
  const space = [' ', '', '', '\n'][below(4)] ?? ''
  const size = below(5)
  const kind = depth === 0 ? 0 : below(3)
  const members = (make: () => string) => Array.from({ length: size }, make).join(`${space},`)
  if (kind === 0) return `${space}${SCALARS[below(SCALARS.length)]}${space}`
  const inner = () => randomJson(below, depth - 1)
  return kind === 1
    ? `${space}[${members(inner)}]${space}`
    : `${space}{${members(() => `${space}${KEYS[below(KEYS.length)]}${space}:${inner()}`)}}${space}`
}

const outcome = async (work: () => unknown) => {
  try {
    return { value: await work() }
  } catch {
    return 'refused'
  }
}

describe('JSON that is parsed in pieces', () => {
  it('comes to what JSON.parse makes of it, whole or broken, whatever the pieces', async () => {
    const below = createRandom(7)
    for (let round = 0; round < 4_000; round += 1) {
      let text = randomJson(below, 5)
      if (round % 2 === 1) {
        const place = below(text.length)
        const put = ['', ',', ']', '}', '[', '"', ':', ' ', '0'][below(9)] ?? ''
        text = text.slice(0, place) + put + text.slice(place + below(2))
      }
      const pieceLength = 1 + below(20)
      const read = await outcome(() => readJsonText(text, { ...LIMITS, pieceLength }))
      expect(read, text).toEqual(await outcome(() => parseJson(text)))
      if (read !== 'refused') expect(JSON.stringify(read)).toBe(JSON.stringify({ value: parseJson(text) }))
    }
  })

  it('is refused beyond its depth and its number of values, with the number that came', async () => {
    const refusal = async (text: string, more: object) =>
      readJsonText(text, { ...LIMITS, ...more }).catch(({ message }: Error) => message)
    expect([
      await refusal('[[1]]', { maxDepth: 1 }),
      await refusal('[1,2,{"a":3}]', { maxValues: 4 }),
      await refusal('["[,[{{{"]', { maxDepth: 1, maxValues: 2 }),
      await refusal('[1,2', {}),
      await refusal('[1,\n2 3]', {}),
    ]).toEqual([
      'Expected the body to be JSON nested at most 1 deep, got deeper JSON.',
      'Expected the body to be JSON with at most 4 values, got 5.',
      ['[,[{{{'],
      'Expected the body to be JSON, got only its beginning.',
      'Expected the body to be JSON, got something else at line 2, column 3.',
    ])
  })

  it('has the same fault whether it is scanned at once or in pieces', async () => {
    for (const text of [
      `[${'1,'.repeat(50_000)}x]`,
      `{"a":"${'b'.repeat(70_000)}`,
      `1${' '.repeat(70_000)}2`,
    ])
      expect(await jsonFaultInTurns(text, at)).toBe(jsonFault(text))
    expect(createJsonScanner().scan('1\n')).toEqual({ is: 'whole', end: 1 })
  })

  async function yieldsIn(text: string): Promise<number> {
    let yields = 0
    const yieldIfLong = async () => void (yields += 1)
    await readJsonText(text, { ...LIMITS, maxValues: 5_000_000, yieldIfLong })
    return yields
  }

  it('gives way once in each piece of it, so that no turn is of more than some pieces', async () => {
    const text = `[${'0,'.repeat(1_000_000)}0]`
    // Two walks over two million characters.
    expect(await yieldsIn(text)).toBeGreaterThanOrEqual(2 * 30)
  })
})

describe('long work', () => {
  /** Each part takes 4 ms. @returns how many parts were done in each turn */
  async function partsInTurns(yields: boolean, workers: number): Promise<number[]> {
    let nowMs = 0
    const turns: number[] = [0]
    const { yieldIfLong } = createLongWork({
      steadyMs: () => nowMs,
      sleep: async () => {
        await new Promise((resolve) => setImmediate(resolve))
        turns.push(0)
      },
    })
    const work = async () => {
      for (let part = 0; part < 10; part += 1) {
        if (yields) await yieldIfLong()
        else await at()
        nowMs += 4
        turns[turns.length - 1] = (turns.at(-1) ?? 0) + 1
      }
    }
    await Promise.all(Array.from({ length: workers }, work))
    return turns.filter((parts) => parts > 0)
  }

  it('keeps a turn for a bounded time, however many work at once', async () => {
    for (const workers of [1, 5, 50]) {
      const turns = await partsInTurns(true, workers)
      expect(Math.max(...turns) * 4).toBeLessThanOrEqual(TURN_MS + 4)
      expect(turns.reduce((sum, parts) => sum + parts, 0)).toBe(10 * workers)
    }
  })

  it('waits while connections are accepted, but not for ever', async () => {
    const connections = { left: 20, turnsBefore: 0 }
    const { yieldIfLong, noteConnection } = createLongWork({
      steadyMs: () => nowMs,
      sleep: async () => {
        await new Promise((resolve) => setImmediate(resolve))
        connections.turnsBefore += 1
        nowMs += 0.25
        if ((connections.left -= 1) >= 0) noteConnection()
      },
    })
    let nowMs = 0
    await yieldIfLong()
    nowMs = TURN_MS
    await yieldIfLong()
    expect(connections.turnsBefore).toBe(21)
    connections.left = Infinity
    nowMs += TURN_MS
    await yieldIfLong()
    // A quarter of a millisecond each, for ten milliseconds.
    expect(connections.turnsBefore).toBe(21 + 41)
  })

  it('says how long the part has waited that is next', async () => {
    let nowMs = 0
    let wake = () => undefined as void
    const { yieldIfLong, waitMs } = createLongWork({
      steadyMs: () => nowMs,
      sleep: () => new Promise<void>((resolve) => (wake = resolve)),
    })
    await yieldIfLong()
    nowMs = TURN_MS
    const parts = [yieldIfLong()]
    expect(waitMs()).toBe(0)
    nowMs += 300
    expect(waitMs()).toBe(300)
    wake()
    await Promise.all(parts)
    expect(waitMs()).toBe(0)
  })

  it('keeps one turn for all of it if it only awaits promises', async () => {
    expect(await partsInTurns(false, 5)).toEqual([50])
  })
})
