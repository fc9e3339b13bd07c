import { spawn } from 'node:child_process'
import { cpuMs } from './cpu.mjs'
import { connectLoad } from './load.mjs'

/** How long a service may take to start and to stop, in milliseconds. */
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 10_000

/**
 * Starts a service as a process of its own and waits until it says `listens on …`.
 * @param {{ node: string, args: string[] }} command
 * @param {NodeJS.ProcessEnv} env
 * @param {(stop: () => Promise<void>) => void} onStop is told how to stop it, before it is ready
 */
export async function startService({ node, args }, env, onStop) {
  const child = spawn(node, args, {
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    // In a group of its own: Ctrl-C is for the bench, which then stops what it has started.
    detached: true,
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await ended
    clearTimeout(timer)
  }
  onStop(stop)
  const output = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => output.length < 1_000 && output.push(text))
  }
  const failed = (reason) => new Error(`${args.join(' ')} ${reason}:\n${output.join('')}`)
  try {
    const url = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(failed('did not start')), START_TIMEOUT_MS)
      void ended.then((code) => {
        clearTimeout(timer)
        reject(failed(`ended with ${code}`))
      })
      child.stdout.on('data', () => {
        const [, url] = /listens on (http:\S+)/.exec(output.join('')) ?? []
        if (url === undefined) return
        clearTimeout(timer)
        resolve(url)
      })
    })
    return {
      url,
      connect: (connections) => connectLoad(url, connections),
      cpuMs: () => cpuMs(child.pid),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
