import { expect, it } from 'vitest'
import { createDocumentCache } from '../../src/http/document-cache.ts'

it('documents are remembered up to a length for each and for all', () => {
  const cache = createDocumentCache<{ text: string }>()
  const remember = (text: string) => cache.set(text, { text })
  remember('{ short }')
  remember('x'.repeat(16_384))
  remember('y'.repeat(16_385))
  expect([cache.has('{ short }'), cache.has('x'.repeat(16_384)), cache.has('y'.repeat(16_385))]).toEqual([
    true,
    true,
    false,
  ])
  for (let n = 0; n < 200; n += 1) remember(`${n}`.padEnd(16_000, 'z'))
  const length = [...cache.keys()].reduce((sum, text) => sum + text.length, 0)
  expect(length).toBeGreaterThan(500_000)
  expect(length).toBeLessThanOrEqual(524_288)
  expect(cache.has('{ short }')).toBe(false)
})
