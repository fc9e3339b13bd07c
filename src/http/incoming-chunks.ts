import type { Readable } from 'node:stream'

/** So many chunks may wait to be taken before the connection is paused. */
const WAITING_CHUNKS = 4

/**
 * The body of what `node:http` received, piece by piece, from its plain events: what has arrived is never waited for.
 * Reading begins with the first call. An iterator that is ended early leaves the rest of the body on the connection.
 */
export function chunksOf(incoming: Readable): AsyncIterableIterator<Uint8Array> {
  const waiting: Uint8Array[] = []
  let state: 'unread' | 'open' | 'ended' | 'broken' = 'unread'
  let wake: () => void = () => undefined

  const isOpen = () => state === 'open'

  const onData = (chunk: Uint8Array) => {
    waiting.push(chunk)
    if (waiting.length >= WAITING_CHUNKS) incoming.pause()
    wake()
  }
  const onEnd = () => finish('ended')
  const onBroken = () => finish('broken')

  function finish(how: 'ended' | 'broken'): void {
    if (state === 'open') state = how
    incoming.off('data', onData).off('end', onEnd).off('close', onBroken).off('error', onBroken)
    wake()
  }

  function begin(): void {
    state = 'open'
    if (incoming.readableEnded) return finish('ended')
    if (incoming.destroyed) return finish('broken')
    incoming.on('data', onData).on('end', onEnd).on('close', onBroken).on('error', onBroken)
  }

  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: async () => {
      if (state === 'unread') begin()
      while (waiting.length === 0 && isOpen()) {
        const woken = new Promise<void>((resolve) => (wake = resolve))
        if (incoming.isPaused()) incoming.resume()
        await woken
      }
      const value = waiting.shift()
      if (value !== undefined) return { done: false, value }
      if (state === 'broken') throw new Error('the connection broke off')
      return { done: true, value: undefined }
    },
    return: async () => {
      if (state === 'open') {
        finish('broken')
        // Unless somebody else reads the rest.
        if (incoming.listenerCount('data') === 0) incoming.pause()
      }
      return { done: true, value: undefined }
    },
  }
}
