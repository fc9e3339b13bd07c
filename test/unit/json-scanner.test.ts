import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createJsonScanner, jsonFault } from '../../src/kernel/json-scanner.ts'

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Scans a text in pieces, and gives the place after the value, counted from the beginning of the text. */
function scanIn(pieces: readonly string[]) {
  const scanner = createJsonScanner()
  let before = 0
  for (const piece of pieces) {
    const scanned = scanner.scan(piece)
    if (scanned.is === 'whole') return { is: 'whole', at: before + scanned.end }
    if (scanned.is === 'wrong') return { is: 'wrong', at: before + scanned.at }
    before += piece.length
  }
  return { is: 'open', at: before }
}

const json = fc.oneof(fc.json({ maxDepth: 5 }), fc.json({ maxDepth: 3, noUnicodeString: false }))
const pretty = json.map((text) => JSON.stringify(JSON.parse(text), null, 2))

/** JSON into which one character was put, or from which one was taken. */
const nearlyJson = fc
  .tuple(
    fc.oneof(json, pretty),
    fc.nat(),
    fc.constantFrom('', '{', '}', '[', ']', ',', ':', '"', '\\', '\n', '1', '-', 'e', '.', 't', ' ', '\t'),
    fc.boolean(),
  )
  .map(([text, place, char, isReplaced]) => {
    const at = place % (text.length + 1)
    return text.slice(0, at) + char + text.slice(isReplaced ? at + 1 : at)
  })

describe('a scanner of JSON', () => {
  it('finds the end of a value however it is cut into pieces', () => {
    fc.assert(
      fc.property(fc.oneof(json, pretty), fc.array(fc.nat(), { maxLength: 6 }), (text, places) => {
        const cuts = [...new Set(places.map((place) => place % text.length))].sort((a, b) => a - b)
        const whole = `${text}\n`
        const pieces = [0, ...cuts].map((cut, index) => whole.slice(cut, cuts[index]))
        expect(scanIn(pieces)).toEqual({ is: 'whole', at: text.length })
      }),
      { numRuns: 500 },
    )
  })

  it('agrees with JSON.parse on what is JSON', () => {
    fc.assert(
      fc.property(nearlyJson, (text) => {
        const scanned = scanIn([`${text}\n`])
        const isWhole = scanned.is === 'whole' && text.slice(scanned.at).trim() === ''
        expect(isWhole).toBe(isJson(text))
      }),
      { numRuns: 3_000 },
    )
  })

  it('calls a text wrong as soon as nothing can make it JSON', () => {
    fc.assert(
      fc.property(json, fc.nat(), (text, place) => {
        expect(scanIn([text.slice(0, place % text.length)]).is).not.toBe('wrong')
      }),
      { numRuns: 500 },
    )
  })

  it('does not follow JSON that is nested more than 64 deep', () => {
    expect(scanIn([`${'['.repeat(64)}${']'.repeat(64)}`])).toEqual({ is: 'whole', at: 128 })
    expect(scanIn(['['.repeat(65)])).toEqual({ is: 'wrong', at: 64 })
  })
})

it.each([
  ['hello', 'something else at column 1'],
  ['{"a":1,}', 'something else at column 8'],
  ['{"a":1', 'only its beginning'],
  ['{"a":"b', 'only its beginning'],
  ['{"a":1}}', 'something else at column 8'],
  ['{"a":1}  x', 'something else at column 10'],
  ['[1,\n 2,\n]', 'something else at line 3, column 1'],
  ['NaN', 'something else at column 1'],
  ['nul', 'only its beginning'],
  ['01', 'something else at column 2'],
  ['-', 'only its beginning'],
  ['1.e5', 'something else at column 3'],
  ['"\\x"', 'something else at column 3'],
  ['"\u0000"', 'something else at column 2'],
])('of %j it tells where it stops being JSON: %s', (text, fault) => {
  expect(jsonFault(text)).toBe(fault)
})
