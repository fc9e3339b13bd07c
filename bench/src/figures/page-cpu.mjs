import { LIMIT } from '../page.mjs'
import { median, quantile, spread } from '../statistics.mjs'

/** Turns of warming up until two in a row go equally fast, at most so many. */
const WARM_UP_TURNS = 10
const SETTLED = 0.05

const against = {
  Q1: 'bare-rows',
  Q2: 'mercurius-jit',
  Q3: 'postgraphile',
  Q4: 'yoga-pothos-prisma',
}

/**
 * Q1–Q4: CPU time of the service for one page, against the same of its peers. Contestants take turns, round by round,
 * so that a slow minute of the machine hits all of them; ratios are made within a round.
 * @type {import('../figures.mjs').Measurement}
 */
export const pageCpu = {
  figures: [
    figure('Q1', 'page of 50 × 20 with exact total: service CPU against bare node:http + pg, rows', 1.4, 1),
    figure('Q2', 'the same against Mercurius + JIT + pg', 1.3, 0.9),
    figure('Q3', 'the same against PostGraphile 5', 0.5, 0.3),
    figure('Q4', 'the same against Yoga + Pothos plugin-prisma + Prisma 7', 0.33, 0.2),
  ],
  needs: 'filled',

  measure: async ({ options, postgres, tenants: { small }, field, random, say }) => {
    const players = (await field.all()).map((contestant) => ({
      contestant,
      load: contestant.connect(options.connections),
      rounds: [],
    }))
    const next = (contestant) => () => {
      const request = contestant.ask(random(small.logs - LIMIT + 1))
      return { ...request, headers: { ...request.headers, authorization: `Bearer ${small.key}` } }
    }
    try {
      for (const { contestant, load } of players) {
        say(`Warming up ${contestant.title} …`)
        await warmUp(load, next(contestant), options.seconds / 2)
      }
      for (let round = 1; round <= options.rounds; round += 1) {
        for (const { contestant, load, rounds } of players) {
          // While the others had their turns, V8 has thrown away what it had compiled: each comes back to speed first.
          await load.run(next(contestant), options.seconds)
          const before = [contestant.cpuMs(), postgres.cpuMs()]
          const { seconds, latenciesMs } = await load.run(next(contestant), options.seconds)
          const [serviceMs, databaseMs] = [contestant.cpuMs() - before[0], postgres.cpuMs() - before[1]]
          const requests = latenciesMs.length
          rounds.push({
            requests,
            perSecond: requests / seconds,
            serviceUs: (serviceMs * 1_000) / requests,
            databaseUs: (databaseMs * 1_000) / requests,
            p50Ms: quantile(latenciesMs, 0.5),
            p95Ms: quantile(latenciesMs, 0.95),
            p99Ms: quantile(latenciesMs, 0.99),
          })
        }
        say(`Round ${round} of ${options.rounds}: ${players.map(inWords).join(', ')}`)
      }
    } finally {
      await Promise.all(players.map(({ load }) => load.close()))
    }
    const roundsOf = Object.fromEntries(players.map(({ contestant, rounds }) => [contestant.name, rounds]))
    const ratioTo = (name) =>
      spread(roundsOf.connlog.map(({ serviceUs }, round) => serviceUs / roundsOf[name][round].serviceUs))
    return {
      ratios: Object.fromEntries(
        Object.entries(against).flatMap(([id, name]) => (roundsOf[name] ? [[id, ratioTo(name)]] : [])),
      ),
      details: {
        pages: players.map(({ contestant: { name, title }, rounds }) => ({
          name,
          title,
          ...Object.fromEntries(
            Object.keys(rounds[0]).map((what) => [what, median(rounds.map((round) => round[what]))]),
          ),
          ratio: ratioTo(name),
          rounds,
        })),
      },
    }
  },
}

function figure(id, title, must, goal) {
  return { id, title, must, goal, reach: 'at most' }
}

async function warmUp(load, next, seconds) {
  let last = 0
  for (let turn = 0; turn < WARM_UP_TURNS; turn += 1) {
    const { latenciesMs } = await load.run(next, seconds)
    const now = latenciesMs.length
    if (Math.abs(now - last) / now < SETTLED) return
    last = now
  }
}

const inWords = ({ contestant, rounds }) => `${contestant.name} ${Math.round(rounds.at(-1).serviceUs)} µs`
