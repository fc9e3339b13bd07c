import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** What was asked for cannot be understood; the message says what was expected. */
export class UsageError extends Error {}

export const HELP = `Measures connlog against its peers on a Postgres of its own.

  npm run bench -- [options]

  --logs N             logs of the big tenant, such as 1e6 or 1e7 (default 1e6)
  --seconds N          length of one turn of one contestant (default 4)
  --rounds N           rounds in which contestants take turns (default 5)
  --connections N      connections of the load generator (default 8)
  --only LIST          figures, by id or by the beginning of it: Q, P1,P3 (default: all)
  --contestants LIST   peers to measure beside connlog, by name (default: all)
  --keep               keep the filled database for the next run, and use the one that was kept
  --data DIR           where the database lives (default: a folder for temporary files)
  --out DIR            where results.json and page-cpu.svg go (default bench/results)
  --markdown FILE      write the tables for docs/performance.md
  --smoke              everything once, at a tiny size: to see that it works, not to measure
  --help               this text

Linux only: CPU time is read from /proc.`

/**
 * @typedef {object} Options
 * @property {number} logs
 * @property {number} seconds
 * @property {number} rounds
 * @property {number} connections
 * @property {string[] | undefined} only
 * @property {string[] | undefined} contestants
 * @property {boolean} keep
 * @property {string | undefined} data
 * @property {string} out
 * @property {string | undefined} markdown
 * @property {boolean} smoke
 * @property {boolean} help
 */

/**
 * @param {string[]} args what follows the name of the program
 * @returns {Options}
 */
export function parseOptions(args) {
  const { values } = parse(args)
  const smoke = values.smoke ?? false
  return {
    logs: wholeNumber('logs', values.logs, smoke ? 20_000 : 1_000_000, 20_000),
    seconds: positive('seconds', values.seconds, smoke ? 0.5 : 4),
    rounds: wholeNumber('rounds', values.rounds, smoke ? 1 : 5, 1),
    connections: wholeNumber('connections', values.connections, 8, 1),
    only: list(values.only),
    contestants: list(values.contestants),
    keep: values.keep ?? false,
    data: path(values.data),
    out: path(values.out) ?? fileURLToPath(new URL('../results', import.meta.url)),
    markdown: path(values.markdown),
    smoke,
    help: values.help ?? false,
  }
}

function parse(args) {
  const [text, flag] = [{ type: 'string' }, { type: 'boolean' }]
  try {
    return parseArgs({
      args,
      strict: true,
      options: {
        logs: text,
        seconds: text,
        rounds: text,
        connections: text,
        only: text,
        contestants: text,
        keep: flag,
        data: text,
        out: text,
        markdown: text,
        smoke: flag,
        help: flag,
      },
    })
  } catch (error) {
    throw new UsageError(`${error.message}\n\n${HELP}`, { cause: error })
  }
}

function positive(name, value, byDefault) {
  const number = value === undefined ? byDefault : Number(value)
  if (number > 0 && Number.isFinite(number)) return number
  throw new UsageError(`Expected --${name} to be a number above 0, got ${value}.`)
}

function wholeNumber(name, value, byDefault, least) {
  const number = positive(name, value, byDefault)
  if (Number.isInteger(number) && number >= least) return number
  throw new UsageError(`Expected --${name} to be a whole number of ${least} or more, got ${value}.`)
}

/** Paths are meant from where npm was called, which then runs us in our own folder. */
const path = (value) =>
  value === undefined ? undefined : resolve(process.env.INIT_CWD ?? process.cwd(), value)

const list = (value) =>
  value
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
