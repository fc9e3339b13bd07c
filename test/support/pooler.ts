import { type AddressInfo, type Socket, connect, createServer } from 'node:net'

/**
 * Stands before a Postgres as a pooler does that ignores the options with which a client connects.
 * @returns its port, and how to be rid of it
 */
export const startForgetfulPooler = (port: number) =>
  startPooler((client) => {
    const upstream = connect(port, '127.0.0.1')
    client.once('data', (startup) => {
      upstream.write(withoutOptions(startup))
      client.pipe(upstream)
      upstream.pipe(client)
    })
    return upstream
  })

async function startPooler(
  onClient: (client: Socket) => Socket,
): Promise<{ port: number; stop(): Promise<void> }> {
  const server = createServer((client) => {
    const upstream = onClient(client)
    for (const socket of [client, upstream]) {
      socket.on('error', () => undefined)
      socket.on('close', () => void (client.destroy(), upstream.destroy()))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/**
 * Stands before a Postgres as a pooler does that hands connections on after each transaction: LISTEN succeeds, and what is
 * notified reaches nobody.
 * @returns its port, and how to be rid of it
 */
export const startDeafPooler = (port: number) =>
  startPooler((client) => {
    const upstream = connect(port, '127.0.0.1')
    let rest = Buffer.alloc(0)
    client.pipe(upstream)
    upstream.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk])
      // A message is a letter, its length without the letter, and content.
      while (rest.length >= 5 && rest.length > rest.readInt32BE(1)) {
        const message = rest.subarray(0, 1 + rest.readInt32BE(1))
        if (message[0] !== NOTIFICATION) client.write(message)
        rest = rest.subarray(message.length)
      }
    })
    return upstream
  })

const NOTIFICATION = 'A'.charCodeAt(0)

/** A StartupMessage: its length, the version of the protocol, names and values that end with a zero each, a zero. */
function withoutOptions(message: Buffer): Buffer {
  const fields = message.subarray(8, -2).toString('latin1').split('\0')
  const kept = fields.flatMap((name, index) =>
    index % 2 === 0 && name !== 'options' ? [`${name}\0${fields[index + 1] ?? ''}\0`] : [],
  )
  const body = Buffer.from(`${kept.join('')}\0`, 'latin1')
  const head = Buffer.alloc(8)
  head.writeInt32BE(8 + body.length, 0)
  message.copy(head, 4, 4, 8)
  return Buffer.concat([head, body])
}
