#!/usr/bin/env node
import { constants } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { run } from './cli/run.ts'
import { createLogger, traceOf } from './kernel/logger.ts'

// V8 lets the heap grow to up to four times what is in use before it collects everything. One user who asks for large
// answers made the process grow by 500 MB so, and by 190 MB with this, at the same speed.
setFlagsFromString('--heap-growing-percent=30')

const stop = new AbortController()

// The first signal lets what is under way end; the second does not wait.
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (!stop.signal.aborted) return stop.abort()
    // By the signal itself: `exit` takes down threads that may be in native code, which then ends in SIGABRT now and then.
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
    // The first process of a container cannot be ended so.
    process.exit(128 + constants.signals[signal])
  })
}

// A rejection that nobody caught comes here too. What holds after that nobody knows: whoever watches starts it anew.
process.on('uncaughtException', (error) => {
  createLogger('error').error({ err: traceOf(error) }, 'a failure that nobody caught: the process ends')
  process.exit(1)
})

const { env, stdin, stdout, stderr } = process
// A reader that has seen enough (`connlog schema | head`) is no failure.
stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  if (code === 'EPIPE') process.exit(0)
  stderr.write(`Could not write to standard output: ${code === 'ENOSPC' ? 'the disk is full' : code}.\n`)
  process.exit(1)
})

process.exitCode = await run(process.argv.slice(2), { env, stdin, stdout, stderr, stop: stop.signal })
// What a reader has not taken by now, or a database that does not let go, would keep a process waiting that was told to
// stop.
if (stop.signal.aborted) process.exit()
