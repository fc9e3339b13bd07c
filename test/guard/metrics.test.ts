import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { type Family, parseExposition } from '../support/exposition.ts'

const textOf = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const PAGE = 'docs/operations.md'

/** What names a metric, in any text. */
const NAME = /\bconnlog_[a-z_]*[a-z]\b/g
const namesIn = (text: string) => new Set(text.match(NAME) ?? [])
/** A histogram is asked for by its parts. */
const familyOf = (name: string) => name.replace(/_(bucket|sum|count)$/, '')

let families: Map<string, Family>
let all: Set<string>
beforeAll(async () => {
  const app = await startTestApp('sqlite')
  families = parseExposition(await (await app.send('', '/metrics')).text())
  all = new Set(families.keys())
  await app.stop()
})

describe('metrics', () => {
  it('are named by the conventions of Prometheus', () => {
    const wrong = [...families.values()].filter(
      ({ name, type, help }) =>
        !/^connlog_[a-z_]+$/.test(name) ||
        !/^[A-Z].+\.$/.test(help) ||
        (type === 'counter') !== name.endsWith('_total') ||
        (type === 'histogram' && !name.endsWith('_seconds')) ||
        /_(ms|milliseconds|minutes|percent|count|sum|bucket)$/.test(name),
    )
    expect(wrong).toEqual([])
    expect(families.size).toBe(27)
  })

  it(`have each a row in ${PAGE}`, () => {
    const rows = [...textOf(PAGE).matchAll(/^\| `(connlog_\w+)` \| (\w+) \|/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    )
    expect(rows.sort(), `make the rows of “What /metrics tells” in ${PAGE} those of src/observe`).toEqual(
      [...families.values()].map(({ name, type }) => `${name} ${type}`).sort(),
    )
  })

  it.each(['examples/deploy/grafana-dashboard.json', 'examples/deploy/alerts.yml', PAGE])(
    'that %s names are there',
    (path) => {
      const named = [...namesIn(textOf(path))].filter((name) => !all.has(name) && !all.has(familyOf(name)))
      expect(named, `mend the names in ${path}`).toEqual([])
    },
  )

  it('are all on the dashboard', () => {
    const shown = new Set([...namesIn(textOf('examples/deploy/grafana-dashboard.json'))].map(familyOf))
    expect([...all].filter((name) => !shown.has(name))).toEqual([])
  })

  it(`are alerted on as ${PAGE} says`, () => {
    const alerts = [...textOf('examples/deploy/alerts.yml').matchAll(/- alert: (\w+)/g)].map(
      ([, name]) => name,
    )
    const told = [...textOf(PAGE).matchAll(/^\| `(Connlog\w+)` \|/gm)].map(([, name]) => name)
    expect(
      told,
      `make the rows of “What to alert on” in ${PAGE} the rules of examples/deploy/alerts.yml`,
    ).toEqual(alerts)
    expect(alerts.length).toBeGreaterThan(10)
  })

  it('are asked for by expressions whose brackets fit, of panels whose ids differ', () => {
    const { panels } = JSON.parse(textOf('examples/deploy/grafana-dashboard.json')) as {
      panels: { id: number; targets?: { expr: string }[] }[]
    }
    const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    expect(expressions.filter((expression) => !isClosed(expression))).toEqual([])
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  })
})

const PAIRS: Readonly<Record<string, string>> = { ')': '(', '}': '{', ']': '[' }

function isClosed(expression: string): boolean {
  const open: string[] = []
  for (const letter of expression.replaceAll(/"[^"]*"/g, '')) {
    if (Object.values(PAIRS).includes(letter)) open.push(letter)
    else if (letter in PAIRS && open.pop() !== PAIRS[letter]) return false
  }
  return open.length === 0
}
