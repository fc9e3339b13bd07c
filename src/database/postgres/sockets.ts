import { Socket } from 'node:net'

/**
 * Postgres answers each statement within its timeout. Where nothing comes, the network has swallowed it, and TCP would
 * wait for a quarter of an hour.
 */
export function socketThatEnds(silenceMs: number): Socket {
  const socket = new Socket()
  socket.setTimeout(silenceMs, () => socket.destroy())
  return socket
}
