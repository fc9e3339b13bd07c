import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readBlocks } from '../../src/remote/server-sent-events.ts'

async function blocksOf(chunks: readonly Uint8Array[]) {
  const stream = (async function* () {
    yield* chunks
  })()
  const blocks = []
  for await (const block of readBlocks(stream)) blocks.push(block)
  return blocks
}

const STREAM = [
  ':',
  'id: a',
  '',
  'id: b',
  'event: next',
  'data: {"text":"ü🙂"}',
  '',
  '',
  'retry: 5',
  '',
  'data:one',
  'data:  two',
  'id',
  '',
  ': unfinished',
  'id: c',
]

const BLOCKS = [
  { id: 'a', event: undefined, data: undefined },
  { id: 'b', event: 'next', data: '{"text":"ü🙂"}' },
  { id: undefined, event: undefined, data: undefined },
  { id: '', event: undefined, data: 'one\n two' },
]

it.each([
  ['LF', '\n'],
  ['CR', '\r'],
  ['CRLF', '\r\n'],
])('reads blocks with %s, those without data too, wherever the bytes are parted', async (_, lineBreak) => {
  const bytes = new TextEncoder().encode(`\uFEFF${STREAM.join(lineBreak)}`)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: bytes.length })), async (places) => {
      const ends = [...places, bytes.length].sort((a, b) => a - b)
      const chunks = ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end))
      expect(await blocksOf(chunks)).toEqual(BLOCKS)
    }),
    { numRuns: 200 },
  )
})
