import { expect, it } from 'vitest'
import { createTerminalLogger } from '../../src/cli/terminal-logger.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createTestTerminal } from '../support/terminal.ts'

it('writes lines for people where one looks on', async () => {
  const terminal = createTestTerminal({ NO_COLOR: '1' }, { isTTY: true })
  const logger = await createTerminalLogger(terminal, 'info')
  logger.info({ address: 'http://127.0.0.1:4000' }, 'listening')
  logger.debug({}, 'answered')
  await systemClock.sleep(0)
  expect(terminal.printed.stderr).toMatch(
    /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: listening \{"address":"http:\/\/127\.0\.0\.1:4000"\}\n$/,
  )
})
