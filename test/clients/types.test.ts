import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { HERE, ROOT, run } from './support/run.ts'

const EXPECTATION = /^ *\/\/ @ts-expect-error -- `(.*)`: .*$/

const compilers = [
  ['TypeScript 6', join(HERE, 'node_modules/.bin/tsc')],
  ['TypeScript 7', join(ROOT, 'node_modules/.bin/tsc')],
] as const

describe.each(compilers)('the types of clients, as %s has them', (_, tsc) => {
  it('let pass what users do, and nothing that is expected to fail', async () => {
    expect(await run(tsc, ['-p', HERE])).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('refuse each misuse for what it names, and nothing else', async () => {
    const lines = readFileSync(join(HERE, 'misuse.ts'), 'utf8').split('\n')
    const expected = lines.flatMap((line, index) => {
      const named = EXPECTATION.exec(line)?.[1]
      return named === undefined ? [] : [{ line: index + 2, named }]
    })
    expect(expected).toHaveLength(12)
    const bare = lines.map((line) =>
      EXPECTATION.test(line) ? '' : line.replace(/'\.\/(?=src|documents|strings)/, "'../../../"),
    )
    const folder = join(HERE, 'node_modules/.cache/misuse')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'misuse.ts'), bare.join('\n'))
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: '../../../tsconfig.json', include: [], files: ['misuse.ts'] }),
    )
    const { stdout } = await run(tsc, ['-p', folder, '--pretty', 'false'], { cwd: folder })
    const complaints = stdout.split(/^(?=\S)/m).map((text) => ({
      line: Number(/^misuse\.ts\((\d+),/.exec(text)?.[1]),
      text,
    }))
    expect(complaints.map(({ line }) => line)).toEqual(expected.map(({ line }) => line))
    for (const [index, { named }] of expected.entries())
      expect(complaints[index]?.text).toContain(`'${named}'`)
  })
})
