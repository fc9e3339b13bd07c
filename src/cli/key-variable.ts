import { CommandError, type Terminal } from './terminal.ts'

/** Holds the key of `connlog pull` where it should not stand among the arguments, which every user of the machine can list. */
export const KEY_VARIABLE = 'CONNLOG_PULL_KEY'

/** The same for keys of a connlog service. */
export const SERVICE_KEY_VARIABLE = 'CONNLOG_KEY'

/**
 * The key that was given, else that of the variable. Neither it nor what is wrong with it is shown.
 * @throws {CommandError} where there is none, and where it cannot stand in a header
 */
export function keyFrom(given: string | undefined, variable: string, { env }: Terminal): string {
  const key = given ?? (env[variable] || undefined)
  if (key === undefined) throw new CommandError(`Expected \`--key KEY\`, or the key in ${variable}.`, 2)
  if (/^[\x21-\x7e]+$/.test(key)) return key
  throw new CommandError(
    'Expected the key to be visible ASCII characters without spaces, got something else.',
    2,
  )
}
