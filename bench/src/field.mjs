import { CONTESTANTS } from './contestants.mjs'
import { serveSettings } from './connlog.mjs'
import { compareAnswers } from './compare.mjs'
import { startService } from './service.mjs'

/** The same for everybody. */
export const POOL_SIZE = 10

/**
 * Those who take part: started when first asked for, and held to the same answer before they are timed.
 * @param {object} ground
 * @param {string} ground.databaseUrl
 * @param {Record<string, { userId: string, logs: number, key: string }>} ground.tenants
 * @param {string[] | undefined} ground.names of the peers that take part; all if absent
 * @param {(text: string) => void} ground.say
 * @param {(stop: () => Promise<void>) => void} ground.onStop
 */
export function createField({ databaseUrl, tenants, names, say, onStop }) {
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
    const service = await startService(contestant.command(), env, onStop)
    running.set(contestant.name, { ...contestant, ...service })
    return running.get(contestant.name)
  }

  /** @returns the contestant, or nothing if it answers something else than connlog */
  async function admit(contestant) {
    if (out.some(({ name }) => name === contestant.name)) return undefined
    const known = running.get(contestant.name)
    if (known) return known
    const service = await start(contestant)
    const difference = await compareAnswers(await get('connlog'), service, tenants)
    if (difference === undefined) {
      say(`${contestant.title} answers as ${contestant.name === 'connlog' ? 'it should' : 'connlog does'}.`)
      return service
    }
    out.push({ name: contestant.name, difference })
    say(`${contestant.title} is out: ${difference}`)
    await service.stop()
    running.delete(contestant.name)
    return undefined
  }

  /** @returns the one of that name, or nothing if it does not take part */
  async function get(name) {
    const contestant = CONTESTANTS.find((contestant) => contestant.name === name)
    return isWanted(contestant) ? admit(contestant) : undefined
  }

  return {
    out,
    get,
    /** connlog first, then its peers. */
    all: async () => {
      const admitted = []
      for (const { name } of CONTESTANTS) admitted.push(await get(name))
      return admitted.filter((contestant) => contestant !== undefined)
    },
  }
}
