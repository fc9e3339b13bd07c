import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')

const pages = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
  ...readdirSync(join(ROOT, 'examples')).map((name) => `examples/${name}/README.md`),
]
  .filter((path) => path.endsWith('.md') && path !== 'examples/deploy/README.md')
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))

const blocksOf = (text: string, languages: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`(?:${languages})\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, code = '']) => code,
  )

it('every command on a page runs as it is written: a clone has no connlog on its PATH', () => {
  const bare = pages.flatMap(({ path, text }) =>
    blocksOf(text, 'sh')
      .flatMap((code) => code.split('\n'))
      .filter((line) => /(?<![\w./-]|npx )connlog [a-z-]/.test(line))
      .map((line) => `${path}: ${line}`),
  )
  expect(bare, 'write npx connlog').toEqual([])
})

const ids = (text: string) =>
  [...text.matchAll(/"eventId": ?"([^"]+)"|eventId: '([^']+)'|[?&]state=([\w-]+)/g)].map(
    ([, json, js, state]) => json ?? js ?? state ?? '',
  )

it('no two pages use one event id, so that whoever follows both meets no conflict', () => {
  const users = new Map<string, Set<string>>()
  for (const { path, text } of pages)
    for (const id of ids(text)) users.set(id, (users.get(id) ?? new Set()).add(path))
  expect(users.size).toBeGreaterThan(8)
  expect([...users].filter(([, paths]) => paths.size > 1).map(([id, paths]) => [id, ...paths])).toEqual([])
})

it('a page that sends an event id twice sends the same event', () => {
  const contents = new Map<string, Set<string>>()
  for (const { path, text } of pages)
    for (const code of blocksOf(text, 'sh'))
      for (const [, json = ''] of code.matchAll(/'(\{"[^']*\})'/g)) {
        const { eventId } = JSON.parse(json) as { eventId?: string }
        if (eventId === undefined) continue
        const key = `${path} ${eventId}`
        contents.set(key, (contents.get(key) ?? new Set()).add(json))
      }
  expect(contents.size).toBeGreaterThan(4)
  expect([...contents].filter(([, events]) => events.size > 1)).toEqual([])
})
