import { createRequire } from 'node:module'
import { arch } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generatePrismaClient } from '../contestants/prisma/generate.mjs'
import { connlogProgram } from './connlog.mjs'
import { PAGE_DOCUMENT, POSTGRAPHILE_DOCUMENT, pageOfPostgraphile } from './page.mjs'

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {string} title
 * @property {() => { node: string, args: string[] }} command how it is started
 * @property {(skip: number) => import('./load.mjs').Request} ask for a page
 * @property {(answer: any, skip: number) => any} read the page out of the answer, in connlog's words
 */

const require = createRequire(import.meta.url)
const server = (name) => fileURLToPath(new URL(`../contestants/${name}/server.mjs`, import.meta.url))

const run =
  (name, prepare = () => {}) =>
  () => {
    prepare()
    return { node: process.execPath, args: [server(name)] }
  }

export const graphql = (query, variables) => ({
  method: 'POST',
  path: '/graphql',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ query, variables }),
})
const askGraphql = (skip) => graphql(PAGE_DOCUMENT, { skip })
const askBare = (skip) => ({ method: 'GET', path: `/?skip=${skip}`, headers: {} })
const read = (answer) => answer.data.connectionLogs

/** connlog first, then its peers as they stand in tables and plots. */
export const CONTESTANTS = /** @type {Contestant[]} */ ([
  {
    name: 'connlog',
    title: 'connlog',
    command: () => ({ node: process.execPath, args: [connlogProgram, 'serve'] }),
    ask: askGraphql,
    read,
  },
  {
    name: 'bare-json',
    title: 'bare node:http + pg, JSON text by Postgres',
    command: run('bare-json'),
    ask: askBare,
    read,
  },
  {
    name: 'bare-rows',
    title: 'bare node:http + pg, rows (B0)',
    command: run('bare-rows'),
    ask: askBare,
    read,
  },
  {
    name: 'mercurius-jit',
    title: 'Mercurius + JIT + pg',
    command: run('mercurius-jit'),
    ask: askGraphql,
    read,
  },
  {
    name: 'postgraphile',
    title: 'PostGraphile 5',
    command: () => ({ node: newerNode(), args: [server('postgraphile')] }),
    ask: (skip) => graphql(POSTGRAPHILE_DOCUMENT, { skip }),
    read: pageOfPostgraphile,
  },
  {
    name: 'yoga-pothos-prisma',
    title: 'Yoga + Pothos plugin-prisma + Prisma 7',
    command: run('yoga-pothos-prisma', generatePrismaClient),
    ask: askGraphql,
    read,
  },
  {
    name: 'apollo-prisma',
    title: 'Apollo Server 5 + Prisma 7',
    command: run('apollo-prisma', generatePrismaClient),
    ask: askGraphql,
    read,
  },
])

/** PostGraphile asks for Node 22; the package registry has Node itself, as a package for each kind of machine. */
function newerNode() {
  const manifest = require.resolve(`node-linux-${arch()}/package.json`)
  return join(dirname(manifest), 'bin', 'node')
}
