// @ts-check
// The attackers have a process of their own: what they do must not delay the one who measures.
// Its argument is JSON: { port, attacks: [{ name, user }] }. It goes on until its standard input ends.
import { createClient } from './client.mjs'
import { GREEDY_KINDS } from './kinds.mjs'

/** @type {{ port: number, attacks: { name: string, user: import('./ground.ts').GreedyUser }[] }} */
const { port, attacks } = JSON.parse(process.argv[2] ?? '')
const over = new AbortController()
process.stdin.resume().on('end', () => over.abort())
await Promise.all(
  attacks.map(async ({ name, user }) => {
    const client = createClient(port)
    over.signal.addEventListener('abort', () => client.close())
    await GREEDY_KINDS.find((kind) => kind.name === name)
      ?.run({ client, user, signal: over.signal })
      .catch(() => undefined)
  }),
)
process.exit()
