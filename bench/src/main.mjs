import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { wantedMeasurements } from './figures.mjs'
import { createGround } from './ground.mjs'
import { describeMachine } from './machine.mjs'
import { HELP, UsageError, parseOptions } from './options.mjs'
import { createRandom } from './random.mjs'
import { cpuChart } from './report/chart.mjs'
import { markdownReport } from './report/markdown.mjs'
import { figureRows, pageRows, sideRows } from './report/rows.mjs'
import { terminalTable } from './report/terminal.mjs'

const say = (text) => process.stderr.write(`${text}\n`)
const SEED = 20_261_126

/** How to stop what has been started, to be done backwards. */
const started = []
let isInterrupted = false

function onStop(stop) {
  started.push(stop)
  // Something was about to start when all was told to stop.
  if (isInterrupted) void stopAll()
}

async function stopAll() {
  for (let stop = started.pop(); stop; stop = started.pop()) await stop()
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // Impatience would leave behind what is being stopped.
    if (isInterrupted) return
    isInterrupted = true
    say('\nStopping …')
    void stopAll().finally(() => process.exit(130))
  })
}

async function main(args) {
  const options = parseOptions(args)
  if (options.help) {
    process.stdout.write(`${HELP}\n`)
    return
  }
  if (process.platform !== 'linux')
    throw new UsageError('The bench needs Linux: CPU time is read from /proc.')
  const measurements = wantedMeasurements(options.only)
  if (measurements.length === 0) throw new UsageError(`There is no figure ${options.only?.join(', ')}.`)

  const ground = createGround(options, say, onStop)
  const results = []
  const grounds = []
  for (const measurement of measurements) {
    const given = await ground.give(measurement.needs)
    grounds.push(given)
    say(`Measuring ${measurement.figures.map(({ id }) => id).join(', ')} …`)
    const bench = { options, random: createRandom(SEED), say, onStop, ...given }
    results.push({ measurement, ...(await measurement.measure(bench)) })
  }
  const machine = await describeMachine(grounds.find(({ postgres }) => postgres)?.postgres.url)
  const out = grounds.find(({ field }) => field)?.field.out ?? []
  await stopAll()
  report({ options, machine, results, out })
}

function report({ options, machine, results, out }) {
  const date = new Date().toISOString()
  const measured = results.flatMap(({ measurement, ratios }) =>
    measurement.figures.map((figure) => ({ figure, ratio: ratios[figure.id] })),
  )
  const pages = results.find(({ details }) => details.pages)?.details.pages
  const sides = results
    .filter(({ details }) => details.connlog?.pairs)
    .map(({ measurement, details }) => ({ id: measurement.figures[0].id, details }))

  mkdirSync(options.out, { recursive: true })
  const write = (name, text) => writeFileSync(join(options.out, name), text)
  const details = Object.fromEntries(
    results.map(({ measurement, details }) => [measurement.figures.map(({ id }) => id).join(' '), details]),
  )
  write(
    'results.json',
    `${JSON.stringify({ date, machine, options, figures: measured, out, details }, null, 2)}\n`,
  )
  if (pages) write('page-cpu.svg', cpuChart(pages))
  if (options.markdown !== undefined) {
    writeFileSync(options.markdown, markdownReport({ measured, pages, sides, machine, options, date, out }))
  }
  const tables = [
    figureRows(measured),
    ...(pages ? [pageRows(pages)] : []),
    ...(sides.length > 0 ? [sideRows(sides)] : []),
  ]
  process.stdout.write(`\n${tables.map(terminalTable).join('\n\n')}\n\n`)
  for (const { name, difference } of out) process.stdout.write(`Out: ${name}, ${difference}\n`)
  // A figure that is missed is a result; a contestant that is out is something to mend.
  if (out.length > 0) process.exitCode = 1
  say(`Everything is in ${options.out}.`)
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  // Once it is told to stop, what breaks under it breaks because of that.
  if (!isInterrupted) {
    if (error instanceof UsageError) {
      process.exitCode = 2
      say(error.message)
    } else {
      process.exitCode = 1
      say(error.stack ?? String(error))
      if (error.cause) say(`Because of: ${error.cause.stack ?? error.cause}`)
    }
    await stopAll()
  }
}
