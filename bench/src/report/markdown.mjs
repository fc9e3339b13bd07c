import { figureRows, pageRows, sideRows } from './rows.mjs'

/** The results as they go into docs/performance.md. */
export function markdownReport({ measured, pages, sides, machine, options, date, out }) {
  const parts = [
    `Measured on ${date.slice(0, 10)}: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, Node ${machine.node.slice(1)}, ${machine.postgres ? `Postgres ${machine.postgres}` : 'no Postgres'}; ${options.logs.toLocaleString('en')} logs of one tenant, ${options.rounds} rounds of ${options.seconds} s, ${options.connections} connections.`,
    table(figureRows(measured)),
  ]
  if (pages) parts.push(table(pageRows(pages)))
  if (sides.length > 0) parts.push(table(sideRows(sides)))
  for (const { name, difference } of out) parts.push(`Out: ${name}, ${difference}.`)
  return `${parts.join('\n\n')}\n`
}

function table([heading, ...rows]) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const rule = heading.map((_, column) =>
    rows.every((row) => /^[≤≥]?\s?[\d–]/.test(row[column])) ? '--:' : '---',
  )
  return [line(heading), `|${rule.join('|')}|`, ...rows.map(line)].join('\n')
}
