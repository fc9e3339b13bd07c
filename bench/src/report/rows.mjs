import { verdictOf } from '../verdict.mjs'
import { boundText, msText, rangeText, ratioText, valueText, wholeText } from './numbers.mjs'

/** The tables, as rows of text with the heading first: printed to a terminal and written as Markdown alike. */

/** @param {{ figure: import('../figures.mjs').Figure, ratio?: import('../figures.mjs').Ratio }[]} measured */
export const figureRows = (measured) => [
  ['#', 'figure', 'must', 'goal', 'measured', 'min – max', 'verdict'],
  ...measured.map(({ figure, ratio }) => [
    figure.id,
    figure.title,
    boundText(figure, figure.must),
    boundText(figure, figure.goal),
    ratio ? valueText(figure, ratio.value) : '–',
    ratio ? rangeText(figure, ratio) : '–',
    verdictOf(figure, ratio),
  ]),
]

export const pageRows = (pages) => [
  ['page of 50 × 20', 'service µs', 'Postgres µs', 'connlog to it', 'per s', 'p50 ms', 'p95 ms', 'p99 ms'],
  ...pages.map((page) => [
    page.title,
    wholeText(page.serviceUs),
    wholeText(page.databaseUs),
    ratioText(page.ratio.value),
    wholeText(page.perSecond),
    msText(page.p50Ms),
    msText(page.p95Ms),
    msText(page.p99Ms),
  ]),
]

/** Of the figures that time two requests side by side. */
export const sideRows = (measured) => [
  ['figure', 'service', 'p95 ms', 'against', 'ratio of p95', 'of medians', 'of means', 'pairs'],
  ...measured.flatMap(({ id, details }) =>
    Object.entries(details).map(([name, { one, other, ratio, pairs }]) => [
      id,
      name,
      msText(one.p95Ms),
      msText(other.p95Ms),
      ratioText(ratio.p95.value),
      ratioText(ratio.median.value),
      ratioText(ratio.mean.value),
      String(pairs),
    ]),
  ),
]
