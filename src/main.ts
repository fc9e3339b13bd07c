#!/usr/bin/env node
import { run } from './cli/run.ts'

const stop = new AbortController()

// The first signal lets what is under way end; the second does not wait.
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(1)
    stop.abort()
  })
}

const { env, stdin, stdout, stderr } = process
// A reader that has seen enough (`connlog schema | head`) is no failure.
stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  if (code === 'EPIPE') process.exit(0)
  stderr.write(`Could not write to standard output: ${code === 'ENOSPC' ? 'the disk is full' : code}.\n`)
  process.exit(1)
})

process.exitCode = await run(process.argv.slice(2), { env, stdin, stdout, stderr, stop: stop.signal })
// What a reader has not taken by now would keep the process, which was told to stop, waiting for it.
if (stop.signal.aborted && stdout.writableLength > 0) process.exit()
