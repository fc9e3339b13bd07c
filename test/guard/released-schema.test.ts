import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CriticalityLevel, diff } from '@graphql-inspector/core'
import { buildSchema } from 'graphql'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const released = read('test/released-schema.graphql')

/** What breaks clients of the last released schema, in sentences. */
async function breaksOf(schema: string): Promise<string[]> {
  const changes = await diff(buildSchema(released), buildSchema(schema))
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ message }) => message)
}

it('schema.graphql breaks no client of the last released schema', async () => {
  expect(
    await breaksOf(read('schema.graphql')),
    'keep what is gone, deprecated; where a release is to break clients, see “A release” in CONTRIBUTING.md',
  ).toEqual([])
})

/** The released schema with one change. */
function changed(from: string, to: string): string {
  const parts = released.split(from)
  expect(parts).toHaveLength(2)
  return parts.join(to)
}

const LIMIT = '    """Most logs to return: 1 to 100."""\n    limit: Int'
const INPUT = 'input RecordConnectionLogInput {\n'

describe('what breaks a client', () => {
  it.each([
    [
      'a field that is gone',
      '  """Whether more come after this page."""\n  hasMore: Boolean!\n',
      '',
      "Field 'hasMore' was removed from object type 'OffsetPagination'",
    ],
    [
      'a field that may be null now',
      '  """When it happened, to the millisecond."""\n  createdAt: DateTime!\n',
      '  createdAt: DateTime\n',
      "Field 'ConnectionLog.createdAt' changed type from 'DateTime!' to 'DateTime'",
    ],
    [
      'an argument that has to be given now',
      `${LIMIT} = 50\n`,
      `${LIMIT}!\n`,
      "Type for argument 'limit' on field 'Query.connectionLogs' changed from 'Int' to 'Int!'",
    ],
    [
      'an input field that has to be given',
      INPUT,
      `${INPUT}  tenant: ID!\n`,
      "Input field 'tenant' of type 'ID!' was added to input object type 'RecordConnectionLogInput'",
    ],
    [
      'a value of an enum that is gone',
      '  """X, formerly Twitter"""\n  TWITTER\n',
      '',
      "Enum value 'TWITTER' was removed from enum 'Platform'",
    ],
    [
      'an interface that is gone from a type',
      'type ConnectionLog implements Node {',
      'type ConnectionLog {',
      "'ConnectionLog' object type no longer implements 'Node' interface",
    ],
  ])('%s is refused', async (_, from, to, sentence) => {
    expect(await breaksOf(changed(from, to))).toEqual([sentence])
  })
})

describe('what breaks none', () => {
  it.each([
    ['a field', 'type OffsetPagination {\n', 'type OffsetPagination {\n  page: Int!\n'],
    ['an argument that may be left out', `${LIMIT} = 50\n`, `${LIMIT} = 50\n    page: Int\n`],
    ['an input field that may be left out', INPUT, `${INPUT}  region: String\n`],
    ['a platform', 'enum Platform {\n', 'enum Platform {\n  WHATSAPP\n'],
    [
      'a field that is deprecated',
      '  hasMore: Boolean!\n',
      '  hasMore: Boolean! @deprecated(reason: "Ask for pages.")\n',
    ],
  ])('%s passes', async (_, from, to) => {
    expect(await breaksOf(changed(from, to))).toEqual([])
  })
})
