import type { ErasureReceipt } from '../connections/erase.ts'
import { formatInstant } from '../kernel/instant.ts'
import { CommandError, type Terminal, count, print, printExact } from './terminal.ts'
import { withMigratedApp } from './with-app.ts'

export interface EraseOptions {
  readonly user?: string
  readonly account?: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

/**
 * `connlog erase`: erases a user or an account for good, and prints a receipt.
 * @returns the exit code: 0 where nothing is left to do, else 1
 */
export async function erase(
  terminal: Terminal,
  { user, account, dryRun = false, json = false }: EraseOptions,
): Promise<number> {
  if (user === undefined && account === undefined) {
    throw new CommandError('Expected `--user ID` or `--account ID` or both.', 2)
  }
  return withMigratedApp(
    terminal,
    async ({ app }) => {
      const receipt = await app.connectionLogs.erase(
        { userId: user, accountId: account },
        { dryRun, signal: terminal.stop },
      )
      if (json) printExact(terminal, asJson(receipt))
      else for (const line of linesOf(receipt)) print(terminal, line)
      return dryRun || receipt.scrubbed ? 0 : 1
    },
    { unhurried: true },
  )
}

const asJson = (receipt: ErasureReceipt) =>
  JSON.stringify({
    ...receipt,
    begunAt: formatInstant(receipt.begunAt),
    endedAt: formatInstant(receipt.endedAt),
  })

function linesOf(receipt: ErasureReceipt): string[] {
  const { dryRun, isComplete, scrubbed, remark } = receipt
  const verb = dryRun ? 'would erase' : isComplete ? 'erased' : 'stopped half-way, erased'
  return [
    `${whom(receipt)}: ${verb} ${countOf(receipt.logs, 'log')}, ${countOf(receipt.eventIds, 'event id')}, ${countOf(receipt.apiKeys, 'key')}.`,
    `Begun ${formatInstant(receipt.begunAt)}, ended ${formatInstant(receipt.endedAt)}.`,
    ...(dryRun || isComplete ? [] : ['Run the same again to erase the rest.']),
    ...(scrubbed ? ['The space in which they stood is cleaned up.'] : []),
    ...(remark === null ? [] : [remark]),
  ]
}

const whom = ({ userId, accountId }: ErasureReceipt) =>
  [
    ...(userId === null ? [] : [`user ${userId}`]),
    ...(accountId === null ? [] : [`account ${accountId}`]),
  ].join(', ')

const countOf = (value: number, noun: string) => `${count(value)} ${noun}${value === 1 ? '' : 's'}`
