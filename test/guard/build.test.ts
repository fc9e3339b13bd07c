import { appendFileSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { outcome, run } from '../packaging/installed.ts'
import { ROOT, createClone } from '../support/clone.ts'

const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  devDependencies: Record<string, string>
}
const without = Object.keys(devDependencies)

const SENTENCE =
  'connlog is not built from these files, and what builds it is not installed: typescript, prisma, @types/node, @types/pg, @opentelemetry/sdk-node. Run `npm ci && npm run build` before devDependencies are removed.'

it('npm start serves what is built when devDependencies are gone, without building again', async () => {
  const clone = createClone({ isBuilt: true, without })
  const built = statSync(join(clone, 'dist/main.js')).mtimeMs
  const service = await run(clone, { PORT: '0', DEMO: 'false' }, 'npm', 'start')
  try {
    expect(await (await fetch(`${service.url}/ready`)).json()).toEqual({ status: 'ready' })
    expect(service.printed()).toMatch(
      /^No valid keys. Create one: npm run --silent connlog -- keys create --user ID$/m,
    )
  } finally {
    await service.stop()
  }
  expect(statSync(join(clone, 'dist/main.js')).mtimeMs).toBe(built)
})

it('npm start says what is missing where the source has changed since it was built', () => {
  const clone = createClone({ isBuilt: true, without })
  appendFileSync(join(clone, 'src/main.ts'), '\n')
  const { code, text } = outcome(clone, 'npm', 'start', '--silent')
  expect({ code, text }).toEqual({ code: 1, text: `${SENTENCE}\n` })
})

it('npm start and npm run connlog say what is missing where nothing was ever built', () => {
  const clone = createClone({ without })
  expect(outcome(clone, 'npm', 'start', '--silent')).toEqual({ code: 1, text: `${SENTENCE}\n` })
  expect(outcome(clone, 'npm', 'run', '--silent', 'connlog', '--', 'keys', 'list')).toEqual({
    code: 1,
    text: `${SENTENCE}\n`,
  })
})
