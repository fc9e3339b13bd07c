import { afterEach, describe, expect, it } from 'vitest'
import { ROOT, run } from './installed.ts'

const SAYS = "console.log('at http://127.0.0.1:1'); console.error('busy'); setInterval(() => {}, 1000)"
const start = (script: string) => run(ROOT, {}, process.execPath, '-e', script)

describe('a program that is run by the tests of packaging', () => {
  const pids: number[] = []
  afterEach(() => {
    for (const pid of pids.splice(0)) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // As it should be, it is gone.
      }
    }
  })

  it('ends when it is told to, and may be told again', async () => {
    const program = await start(SAYS)
    await program.stop()
    await program.stop()
  })

  it('that does not end is killed, and the test fails with what it printed', async () => {
    const program = await start(`process.on('SIGTERM', () => console.log('no')); ${SAYS}`)
    await expect(program.stop(500)).rejects.toThrow(
      /^It did not end within 500 ms of SIGTERM:\n(?=[^]*at http)(?=[^]*\nbusy\n)(?=[^]*\nno\n)/,
    )
  })

  it('is waited for where what it has started outlives it', async () => {
    const child = `process.on('SIGTERM', () => setTimeout(() => process.exit(console.log('over')), 300)); ${SAYS}`
    const program = await start(
      `const { spawn } = require('node:child_process')
      const child = spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' })
      console.log('child ' + child.pid + '.')`,
    )
    pids.push(Number(/child (\d+)\./.exec(program.printed())?.[1]))
    await program.stop()
    expect(program.printed()).toContain('over\n')
  })

  it('that ends before it says where it listens fails with what it printed', async () => {
    await expect(start("console.log('no port for me')")).rejects.toThrow(
      'It did not say where it listens:\nno port for me\n',
    )
  })
})
