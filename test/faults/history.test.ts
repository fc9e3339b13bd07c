import { describe, expect, it } from 'vitest'
import { type Attempt, FLAWLESS, type StoredEvent, check } from './history.ts'

const event = (key: string, content = 1) => ({ key, content })
const stored = (key: string, content = 1): StoredEvent => ({ id: `id-${key}`, key, content })
const ok = (...keys: string[]): Attempt => ({ events: keys.map((key) => event(key)), outcome: 'ok' })
const unknown = (...keys: string[]): Attempt => ({ ...ok(...keys), outcome: 'unknown' })
const failed = (...keys: string[]): Attempt => ({ ...ok(...keys), outcome: 'failed' })

describe('the checker', () => {
  it('finds nothing wrong with a history in which every promise was kept', () => {
    const history = [ok('a'), unknown('a'), ok('b', 'c'), unknown('d'), unknown('e'), failed('f'), ok('g')]
    expect(
      check(
        history,
        ['a', 'b', 'c', 'd', 'g'].map((key) => stored(key)),
      ),
    ).toEqual({
      ...FLAWLESS,
      acknowledged: 4,
      unknown: 2,
      stored: 5,
    })
  })

  it('lets what is unknown be stored whole or not at all, also where requests share events', () => {
    const history = [unknown('a', 'b'), unknown('c', 'd'), ok('d', 'e')]
    for (const keys of [
      ['d', 'e'],
      ['a', 'b', 'd', 'e'],
      ['a', 'b', 'c', 'd', 'e'],
    ]) {
      expect(
        check(
          history,
          keys.map((key) => stored(key)),
        ),
      ).toMatchObject(FLAWLESS)
    }
  })

  it('finds what was acknowledged and is missing', () => {
    expect(check([ok('a'), unknown('a'), ok('b')], [stored('b')])).toMatchObject({
      ...FLAWLESS,
      lost: ['a#1'],
    })
  })

  it('finds what is stored twice', () => {
    expect(check([ok('a')], [stored('a'), stored('a')])).toMatchObject({ ...FLAWLESS, duplicated: ['a'] })
  })

  it('finds what nobody sent', () => {
    expect(check([ok('a')], [stored('a'), stored('z')])).toMatchObject({ ...FLAWLESS, phantom: ['z#1'] })
  })

  it('finds half a batch, acknowledged or not', () => {
    expect(check([unknown('a', 'b', 'c')], [stored('a'), stored('c')])).toMatchObject({
      ...FLAWLESS,
      torn: ['a#1', 'c#1'],
    })
    expect(check([ok('a', 'b')], [stored('a')])).toMatchObject({ ...FLAWLESS, lost: ['b#1'] })
    expect(check([unknown('a', 'b'), unknown('b', 'c')], [stored('b')])).toMatchObject({
      ...FLAWLESS,
      torn: ['b#1'],
    })
  })

  it('finds what is stored although it was refused', () => {
    expect(check([failed('a', 'b'), ok('b')], [stored('a'), stored('b')])).toMatchObject({
      ...FLAWLESS,
      refused: ['a#1'],
    })
  })

  it('finds content that is not the one acknowledged, and a conflict that was stored', () => {
    const history: Attempt[] = [
      { events: [event('a', 1)], outcome: 'ok' },
      { events: [event('a', 2)], outcome: 'failed' },
    ]
    expect(check(history, [stored('a', 1)])).toMatchObject(FLAWLESS)
    expect(check(history, [stored('a', 2)])).toMatchObject({
      ...FLAWLESS,
      altered: ['a#1'],
      refused: ['a#2'],
    })
    expect(check(history, [stored('a', 1), stored('a', 2)])).toMatchObject({
      ...FLAWLESS,
      duplicated: ['a'],
      refused: ['a#2'],
    })
  })
})
