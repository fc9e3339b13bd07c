// Loaded into a service by `--import`: SIGUSR2 ends its threads, or with BREAK=reject rejects a promise of nobody's.
import { BroadcastChannel, isMainThread } from 'node:worker_threads'

const channel = new BroadcastChannel('break')
if (isMainThread) {
  channel.unref()
  process.on('SIGUSR2', () => {
    if (process.env.BREAK === 'reject') void Promise.reject(new Error('what a caller sent'))
    else channel.postMessage('end')
  })
} else channel.addEventListener('message', () => process.exit(1))
