import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'

/** `up` goes from those who connect to the target, `down` comes back. */
export type Direction = 'up' | 'down'

/**
 * How much of some bytes that are about to be forwarded gets through before the connection is cut; undefined for all
 * of it and no cut. Asked with a number for each connection, counted from 1.
 */
export type Cutter = (direction: Direction, bytes: number, connection: number) => number | undefined

/**
 * `pass`: everything goes through, late by `delayMs` where that is set, and cut where the cutter says so. `refuse`:
 * nothing listens. `reset`: open connections are reset, and new ones as soon as they are made. `blackhole`:
 * connections are made, and nothing ever arrives, until the mode is another. `forget`: the same, and what was connected
 * then stays dead for ever, without a word, as behind a firewall that has lost its state.
 */
export type ProxyMode = 'pass' | 'refuse' | 'reset' | 'blackhole' | 'forget'

/** A bad network between a client and `port` on loopback. */
export interface TcpProxy {
  readonly port: number
  /** Cuts that have been made by the cutter. */
  readonly cuts: () => number
  setMode(mode: ProxyMode): Promise<void>
  setCutter(cutter: Cutter | undefined): void
  setDelay(delayMs: number): void
  /** Resets every connection that is open. */
  resetAll(): void
  stop(): Promise<void>
}

interface Link {
  readonly number: number
  readonly client: Socket
  readonly target: Socket
  isForgotten: boolean
}

const isSwallowing = (mode: ProxyMode) => mode === 'blackhole' || mode === 'forget'

const HOST = '127.0.0.1'

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let mode: ProxyMode = 'pass'
  let cutter: Cutter | undefined
  let delayMs = 0
  let made = 0
  let cuts = 0
  const links = new Set<Link>()

  const onConnection = (client: Socket) => {
    if (mode === 'reset') {
      client.resetAndDestroy()
      return
    }
    const target = connect(targetPort, HOST)
    const link = { number: (made += 1), client, target, isForgotten: mode === 'forget' }
    links.add(link)
    for (const [from, to, direction] of [
      [client, target, 'up'],
      [target, client, 'down'],
    ] as const) {
      from.setNoDelay(true)
      from.on('error', () => undefined)
      from.on('data', (chunk: Buffer) => forward(link, from, to, direction, chunk))
      // What is delayed has to be through before the end is.
      from.on('end', () => later(() => to.end()))
      from.on('close', () => {
        links.delete(link)
        later(() => to.destroySoon())
      })
      if (isSwallowing(mode)) from.pause()
    }
  }

  const later = (work: () => void): void => {
    if (delayMs === 0) work()
    else setTimeout(work, delayMs)
  }

  function forward(link: Link, from: Socket, to: Socket, direction: Direction, chunk: Buffer): void {
    const through = cutter?.(direction, chunk.length, link.number)
    if (through !== undefined) {
      cuts += 1
      from.removeAllListeners('data')
      from.resetAndDestroy()
      // The other side gets what came through, and then the end.
      to.end(chunk.subarray(0, through), () => to.destroy())
      return
    }
    later(() => {
      if (to.destroyed || to.writableEnded || to.write(chunk)) return
      from.pause()
      to.once('drain', () => void (link.isForgotten || isSwallowing(mode) || from.resume()))
    })
  }

  const resetAll = () => {
    for (const { client, target } of links) {
      client.resetAndDestroy()
      target.resetAndDestroy()
    }
  }

  let server = await listenOn(0, onConnection)
  const { port } = server.address() as AddressInfo

  return {
    port,
    cuts: () => cuts,
    resetAll,
    setCutter: (to) => void (cutter = to),
    setDelay: (ms) => void (delayMs = ms),
    setMode: async (to) => {
      const before = mode
      mode = to
      if (to === 'refuse' || to === 'reset') resetAll()
      if (to === 'refuse' && before !== 'refuse') await closed(server)
      if (to !== 'refuse' && before === 'refuse') server = await listenOn(port, onConnection)
      for (const link of links) {
        link.isForgotten ||= to === 'forget'
        for (const socket of [link.client, link.target]) {
          if (link.isForgotten || isSwallowing(to)) socket.pause()
          else socket.resume()
        }
      }
    },
    stop: async () => {
      resetAll()
      await closed(server)
    },
  }
}

async function listenOn(port: number, onConnection: (client: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, onConnection)
  server.listen(port, HOST)
  await once(server, 'listening')
  return server
}

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    if (server.listening) server.close(() => resolve())
    else resolve()
  })
