import { CONTESTANTS } from './contestants.mjs'
import { serveSettings } from './connlog.mjs'
import { compareAnswers } from './compare.mjs'
import { startService } from './service.mjs'

/** The same for everybody. */
export const POOL_SIZE = 10

/**
 * Those who take part: started when first asked for, held to the same answer before they are timed, stopped together.
 * @param {object} ground
 * @param {string} ground.databaseUrl
 * @param {Record<string, { userId: string, logs: number, key: string }>} ground.tenants
 * @param {string[] | undefined} ground.names of the peers that take part; all if absent
 * @param {(text: string) => void} ground.say
 */
export function createField({ databaseUrl, tenants, names, say }) {
  const known = CONTESTANTS.map(({ name }) => name)
  const unknown = names?.filter((name) => !known.includes(name)) ?? []
  if (unknown.length > 0) {
    throw new Error(`Expected contestants out of ${known.join(', ')}, got ${unknown.join(', ')}.`)
  }
  const isWanted = ({ name }) => names === undefined || name === 'connlog' || names.includes(name)
  const keys = Object.fromEntries(Object.values(tenants).map(({ key, userId }) => [key, userId]))
  const running = new Map()
  /** @type {{ name: string, difference: string }[]} */
  const out = []
  let compared

  async function start(contestant) {
    const env =
      contestant.name === 'connlog'
        ? serveSettings(databaseUrl, POOL_SIZE)
        : {
            ...process.env,
            DATABASE_URL: databaseUrl,
            POOL_SIZE: String(POOL_SIZE),
            NODE_ENV: 'production',
            BENCH_KEYS: JSON.stringify(keys),
          }
    const service = await startService(contestant.command(), env)
    running.set(contestant.name, { ...contestant, ...service })
  }

  /** Starts all and takes out whoever answers something else than connlog. */
  async function compare() {
    for (const contestant of CONTESTANTS.filter(isWanted)) await start(contestant)
    const [reference, ...others] = running.values()
    for (const other of others) {
      const difference = await compareAnswers(reference, other, tenants)
      if (difference === undefined) continue
      out.push({ name: other.name, difference })
      say(`${other.title} is out: ${difference}`)
      await other.stop()
      running.delete(other.name)
    }
    say(`The same answers from ${[...running.keys()].join(', ')}.`)
  }

  return {
    out,
    /** connlog first, then its peers. */
    all: async () => {
      await (compared ??= compare())
      return [...running.values()]
    },
    /** @returns the one of that name, or nothing if it does not take part */
    get: async (name) => {
      await (compared ??= compare())
      return running.get(name)
    },
    stop: async () => {
      await Promise.all([...running.values()].map(({ stop }) => stop()))
    },
  }
}
