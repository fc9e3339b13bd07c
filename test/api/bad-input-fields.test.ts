import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  CUT_FIELDS,
  ID_FIELDS,
  MAX_ID,
  TEXT_FIELDS,
  UNKNOWN_FIELDS,
  WRONG_FIELDS,
} from '../support/bad-input.ts'
import { DEEPEST_METADATA, LARGEST_METADATA } from '../support/bad-input-metadata.ts'
import { type WrongField } from '../support/bad-input-words.ts'
import { DOORS, type Door, type World, assertClean, logText, startWorld } from '../support/bad-input-doors.ts'
import { PROVIDERS } from '../support/databases.ts'

/** All answers by provider, door and case, to be compared at the end. */
const answers: Record<(typeof PROVIDERS)[number], Map<string, string>> = {
  sqlite: new Map(),
  postgres: new Map(),
}

describe.each(PROVIDERS)('a wrong field on %s', (provider) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld(provider)
  })
  afterAll(async () => world.stop())

  /** Sends a log that must be refused with nothing stored, and remembers the answer. */
  async function refused(door: Door, field: string, json: string) {
    const before = await world.stored()
    const answer = await door.send(world, logText(door.notation, field, json))
    expect(await world.stored()).toBe(before)
    assertClean(answer.text)
    answers[provider].set(`${door.name}: ${field} ${json}`, `${answer.status} ${answer.text}`)
    return answer
  }

  describe.each(DOORS)('through $name', (door) => {
    const cases = WRONG_FIELDS.filter((wrong) => ownWords(door, wrong) !== null)
    it.each(cases.map((wrong) => [wrong.field, shortened(wrong.json), wrong] as const))(
      'is refused: %s %s',
      async (_, __, wrong) => {
        const { status, code, sentence } = await refused(door, wrong.field, wrong.json)
        const words = ownWords(door, wrong)
        const field = door.at + wrong.field
        const place = `${wrong.keyOf ? 'each key of ' : ''}\`${field}${wrong.at ?? ''}\``
        const ours = door.name === 'record()' ? (wrong.inProcess ?? wrong.sentence) : wrong.sentence
        if (words === undefined) expect(sentence).toBe(`Expected ${place} ${ours}`)
        else if (words?.startsWith('Syntax Error')) expect(sentence).toBe(words)
        else if (door.notation === 'literal') expect(sentence).toBe(`Wrong value for \`${field}\`: ${words}`)
        else {
          expect(sentence).toMatch(/^Variable "\$inputs?" got invalid value \S/)
          expect(sentence.slice(sentence.indexOf(' at "'))).toBe(` at "${field}"; ${words}`)
        }
        expect(status).toBe(door.refusal ?? (door.notation === 'variable' && words !== undefined ? 400 : 200))
        expect(code).toBe(door.name.startsWith('REST') ? '' : 'BAD_USER_INPUT')
      },
    )

    it.each(UNKNOWN_FIELDS)('is refused: $field, which a log does not have', async (unknown) => {
      const { sentence } = await refused(door, unknown.field, '1')
      const name = unknown.field.split('.').at(-1)
      if (door.notation === 'json')
        expect(sentence).toBe(`${unknown.sentence}, got the unknown field \`${door.at}${unknown.field}\`.`)
      else {
        expect(sentence).toContain(`Field "${name}" is not defined by type "${unknown.type}".`)
        if (door.notation === 'literal') expect(sentence).toContain(`\`${door.at}${unknown.field}\``)
      }
    })
  })

  describe.each(DOORS)('as far as it may go through $name', (door) => {
    const longest = [
      ...TEXT_FIELDS.flatMap(([field, max]) => [
        [field, `"${'x'.repeat(max)}"`],
        [field, `"${'€'.repeat(max)}"`],
      ]),
      ...ID_FIELDS.filter((field) => field !== '_id' || door.notation === 'json').flatMap((field) => [
        [field, `"${'x'.repeat(MAX_ID)}"`],
        [field, `"${'€'.repeat(MAX_ID)}"`],
      ]),
      ...CUT_FIELDS.map(([field, max]) => [field, `"${'€'.repeat(10 * max)}"`]),
      // GraphQL's own notation has no halves of characters.
      ...CUT_FIELDS.map(([field]) => [field, door.notation === 'literal' ? '"\\u0000"' : '"\\u0000\\ud800"']),
      ['success.permissions', JSON.stringify(Array.from({ length: 200 }, () => 'x'.repeat(256)))],
      ['error.rawResponse', `"${'x'.repeat(10_000)}"`],
      ['error.message', `"${'\ufdfa'.repeat(4_000)}"`],
      ['context.connectToken', '"\\u0000"'],
      ['durationMs', '0'],
      ['durationMs', '2147483647'],
      ['metadata', DEEPEST_METADATA],
      ['metadata', LARGEST_METADATA],
      ['metadata', '{"__proto__":{"a":1},"constructor":{"prototype":2},"toString":null}'],
      ['createdAt', '"2026-06-08T12:00:00.001Z"'],
      ['createdAt', '"2026-06-15T14:05:00+02:00"'],
      ['success.tokenExpiresAt', '"0001-01-01T00:00:00Z"'],
      ['success.tokenExpiresAt', '"9999-12-31T23:59:59.999Z"'],
      ['success', 'null'],
      ['metadata', 'null'],
    ] as [string, string][]
    it.each(longest.map(([field, json]) => [field, shortened(json), json] as const))(
      'is stored: %s %s',
      async (field, _, json) => {
        const before = await world.stored()
        const isName = field === '_id' || field === 'eventId'
        const ofItsOwn = `${field.charAt(0)}${DOORS.indexOf(door)}"`
        const text = isName ? json.replace(/.."$/, ofItsOwn) : json
        const { sentence } = await door.send(world, logText(door.notation, field, text))
        expect(sentence).toBe('')
        const companions = door.name === 'REST list' ? 2 : door.at === 'inputs[1].' ? 1 : 0
        expect(await world.stored()).toBe(before + 1 + companions)
      },
    )
  })

  it('left nothing in the log of the service', () => {
    expect(world.app.logged.filter(({ level }) => level !== 'info')).toEqual([])
  })
})

describe('wrong fields', () => {
  it('are refused with the same words on both databases', () => {
    expect(answers.postgres).toEqual(answers.sqlite)
    expect(answers.sqlite.size).toBeGreaterThan(1_000)
  })
})

/** What GraphQL itself says of the value at this door; undefined where it leaves that to us, null where it takes it. */
function ownWords(door: Door, wrong: WrongField): string | null | undefined {
  return door.notation === 'json' ? undefined : wrong[door.notation]
}

function shortened(json: string): string {
  return json.length <= 40 ? json : `${json.slice(0, 40)}… (${json.length})`
}
