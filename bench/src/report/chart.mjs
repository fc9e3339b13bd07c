import { wholeText } from './numbers.mjs'

const WIDTH = 860
const LABELS = 300
const VALUES = 130
const BAR = 22
const GAP = 14
const TOP = 74
const BOTTOM = 20

/**
 * CPU time of one page, the service's and Postgres', as an SVG of horizontal bars. Colours follow the reader's choice of
 * light or dark.
 */
export function cpuChart(pages) {
  const most = Math.max(...pages.map(({ serviceUs, databaseUs }) => serviceUs + databaseUs))
  const scale = (WIDTH - LABELS - VALUES) / most
  const height = TOP + pages.length * (BAR + GAP) - GAP + BOTTOM
  const bars = pages.map(({ name, title, serviceUs, databaseUs }, index) => {
    const y = TOP + index * (BAR + GAP)
    const [service, database] = [serviceUs * scale, databaseUs * scale].map((width) =>
      Number(width.toFixed(1)),
    )
    const text = y + BAR / 2 + 4.5
    return `  <text class="${name === 'connlog' ? 'label own' : 'label'}" x="${LABELS - 10}" y="${text}">${escaped(title)}</text>
  <rect class="service" x="${LABELS}" y="${y}" width="${service}" height="${BAR}"/>
  <rect class="database" x="${LABELS + service}" y="${y}" width="${database}" height="${BAR}"/>
  <text class="value" x="${(LABELS + service + database + 8).toFixed(1)}" y="${text}">${wholeText(serviceUs)} + ${wholeText(databaseUs)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="CPU time for one page of 50 logs">
  <style>
    text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328; }
    .title { font-size: 15px; font-weight: 600; }
    .label { text-anchor: end; }
    .own { font-weight: 600; }
    .value { fill: #59636e; font-variant-numeric: tabular-nums; }
    .service { fill: #2f6fde; }
    .database { fill: #9dbff2; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .value { fill: #9198a1; }
      .service { fill: #4c8dff; }
      .database { fill: #29497f; }
    }
  </style>
  <text class="title" x="${LABELS}" y="24">CPU µs for one page of 50 logs × 20 fields, exact total</text>
  <rect class="service" x="${LABELS}" y="40" width="12" height="12"/>
  <text x="${LABELS + 18}" y="51">service</text>
  <rect class="database" x="${LABELS + 90}" y="40" width="12" height="12"/>
  <text x="${LABELS + 108}" y="51">Postgres</text>
${bars.join('\n')}
</svg>
`
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
