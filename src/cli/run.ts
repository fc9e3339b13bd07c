import { Command, CommanderError } from 'commander'
import { ALL_SCOPES, DEFAULT_SCOPES } from '../auth/scopes.ts'
import { ConfigError } from '../config/config.ts'
import { settingsHelp } from '../config/describe.ts'
import { EXPORT_FORMATS } from '../connections/export-format.ts'
import { failureSentence } from '../database/failures.ts'
import { DatabaseOpenError } from '../database/open-error.ts'
import { AppError } from '../kernel/errors.ts'
import { visibleText } from '../kernel/visible.ts'
import type { ExportOptions } from './export.ts'
import { addExamples } from './examples.ts'
import { addFilterOptions } from './filter-options.ts'
import type { CleanupOptions } from './cleanup.ts'
import type { DoctorOptions } from './doctor/doctor.ts'
import type { EraseOptions } from './erase.ts'
import type { ImportOptions } from './import.ts'
import type { CreateOptions, RotateOptions } from './keys.ts'
import type { KeysListOptions } from './keys-list.ts'
import type { KeysLogOptions } from './keys-log.ts'
import { KEY_VARIABLE, SERVICE_KEY_VARIABLE } from './key-variable.ts'
import type { PullOptions } from './pull.ts'
import type { TailOptions } from './tail/tail.ts'
import { CommandError, type Terminal, say } from './terminal.ts'
import { usageSentence } from './usage-error.ts'
import { readVersion } from './version.ts'

/**
 * Runs one command. Each is loaded when it is asked for, so that none waits for what others need.
 * @param args what follows the name of the program
 * @returns the exit code: 0 done, 1 failed, 2 not understood
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0
  const program = createProgram(terminal, (code) => {
    exitCode = code
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    return failed(error, terminal)
  }
}

/** Of help that goes where nothing says how wide it is. */
const HELP_COLUMNS = 80

function createProgram(terminal: Terminal, exitWith: (code: number) => void): Command {
  const columns = terminal.stdout.columns || HELP_COLUMNS
  const program = new Command('connlog')
    .description('Connection logs over GraphQL and REST, on SQLite or Postgres.')
    .version(readVersion(), '-v, --version', 'print the version')
    .addHelpText('after', () => `\nSettings, as environment variables:\n${settingsHelp(columns)}`)
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(visibleText(text)),
      outputError: (text, write) => write(usageSentence(text)),
      getOutHelpWidth: () => columns,
      getErrHelpWidth: () => columns,
    })
    .exitOverride()

  const command = (parent: Command, usage: string, description: string) =>
    parent.command(usage).description(description).copyInheritedSettings(program)

  command(program, 'serve', 'migrate the database, then serve until told to stop').action(async () =>
    (await import('./serve.ts')).serve(terminal),
  )

  command(program, 'migrate', 'apply migrations and say what was applied').action(async () =>
    (await import('./migrate.ts')).migrate(terminal),
  )

  const keys = command(program, 'keys', 'make, list, rotate and revoke API keys')
  command(keys, 'create', 'make a key and print it, alone, on standard output')
    .option('--user <id>', 'a key of this user, who sees and writes its own logs alone')
    .option('--service', 'a key of no user, which reaches the logs of all')
    .option(
      '--scopes <list>',
      `what it may do, of ${ALL_SCOPES.join(', ')} (default: ${DEFAULT_SCOPES.join(',')})`,
    )
    .option('--name <text>', 'a name to know it by')
    .option('--expires <duration>', 'how long it is valid, such as 90d, 12h or 30m (default: for ever)')
    .action(async (options: CreateOptions) => (await import('./keys.ts')).createKey(terminal, options))
  command(keys, 'list', 'list keys without their secrets, one a line')
    .option('--json', 'print them as a JSON array')
    .action(async (options: KeysListOptions) => (await import('./keys-list.ts')).listKeys(terminal, options))
  command(keys, 'rotate <id>', 'make a key in the place of another one and print it, alone')
    .option(
      '--overlap <duration>',
      'how long the old key stays good beside it, such as 7d, 12h or 30m, or 0 (default: 24h)',
    )
    .action(async (id: string, options: RotateOptions) =>
      (await import('./keys.ts')).rotateKey(terminal, id, options),
    )
  command(keys, 'revoke <id>', 'revoke a key; every process refuses it within 5 seconds').action(
    async (id: string) => (await import('./keys.ts')).revokeKey(terminal, id),
  )

  command(keys, 'log', 'print what was done with keys, when and by whom, the latest first')
    .option('--user <id>', 'with keys of this user alone')
    .option('--key <id>', 'with this key alone')
    .option('--by <id>', 'by this key alone')
    .option('--json', 'print each entry as a JSON object')
    .action(async (options: KeysLogOptions) =>
      (await import('./keys-log.ts')).printKeysLog(terminal, options),
    )

  command(
    program,
    'import <files...>',
    "store logs from files or, with -, from standard input: NDJSON, Late's JSON pages, answers of GraphQL",
  )
    .option('--user <id>', 'store them for this user')
    .option('--json', 'print the summary as JSON')
    .action(async (files: string[], options: ImportOptions) =>
      exitWith(await (await import('./import.ts')).importLogs(terminal, files, options)),
    )

  command(program, 'pull', "copy the logs of Late's API, or of one like it, into the store")
    .requiredOption('--url <base>', 'the address of the server, such as https://getlate.dev')
    .option(
      '--key <key>',
      `a key of that server (default: the variable ${KEY_VARIABLE}, which no list of processes shows)`,
    )
    .option('--user <id>', 'store them for this user')
    .option(
      '--days <n>',
      'only logs of the last n × 24 hours (default: 7, or RETENTION_DAYS if that is less)',
    )
    .option('--json', 'print the summary as JSON')
    .action(async (options: PullOptions) =>
      exitWith(await (await import('./pull.ts')).pull(terminal, options)),
    )
  addFilterOptions(
    command(program, 'export', 'write logs to standard output, oldest first, as import takes them or as CSV'),
  )
    .option('--days <n>', 'only of the last so many times 24 hours (default: all that is kept)')
    .option('--since <instant|duration>', 'the same as --after')
    .option('--format <format>', EXPORT_FORMATS.join(' or '), 'ndjson')
    .action(async (options: ExportOptions) => (await import('./export.ts')).exportLogs(terminal, options))

  addFilterOptions(
    command(
      program,
      'tail',
      'print logs as they are recorded, in the database or in a service, until told to stop',
    ),
  )
    .option(
      '--since <cursor|instant|duration>',
      'resume behind the cursor that an earlier tail ended with, or begin with the logs kept since an instant, or for so long, such as 1h',
    )
    .option('--json', 'on a terminal too, print each log as import takes it')
    .option(
      '--url <address>',
      'of this service, such as https://logs.example.com, and not of the database (default: the variable CONNLOG_URL, unless DATABASE_URL is set)',
    )
    .option(
      '--key <key>',
      `a key of that service (default: the variable ${SERVICE_KEY_VARIABLE}, which no list of processes shows)`,
    )
    .action(async (options: TailOptions) =>
      exitWith(await (await import('./tail/tail.ts')).tail(terminal, options)),
    )

  command(program, 'cleanup', 'delete expired logs now')
    .option('--dry-run', 'only count them')
    .option('--json', 'print the result as JSON')
    .action(async (options: CleanupOptions) => (await import('./cleanup.ts')).cleanup(terminal, options))

  command(
    program,
    'erase',
    'erase a user or an account for good: logs, counts, event ids, and the keys of a user',
  )
    .option('--user <id>', 'the user; with --account, that account of that user alone')
    .option('--account <id>', 'the account, with whichever user')
    .option('--dry-run', 'only tell what would go')
    .option('--json', 'print the receipt as JSON')
    .action(async (options: EraseOptions) =>
      exitWith(await (await import('./erase.ts')).erase(terminal, options)),
    )

  command(
    program,
    'doctor',
    'look at settings, database, disk, migrations, clocks and counts, and say how to mend what is wrong',
  )
    .option('--rebuild-counts', 'count anew what is counted wrong')
    .option('--json', 'print what was found as JSON')
    .action(async (options: DoctorOptions) =>
      exitWith(await (await import('./doctor/doctor.ts')).doctor(terminal, options)),
    )

  command(program, 'schema', 'print the GraphQL schema').action(async () =>
    (await import('./schema.ts')).printSchema(terminal),
  )

  addExamples(program)
  return program
}

function failed(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof ConfigError) for (const problem of error.problems) say(terminal, problem)
  else if (error instanceof DatabaseOpenError || error instanceof AppError) say(terminal, error.message)
  else if (error instanceof CommandError) terminal.stderr.write(`${visibleText(error.message)}\n`)
  else {
    const sentence = failureSentence(error)
    if (sentence === undefined) throw error
    say(terminal, sentence)
  }
  if (error instanceof CommandError) return error.exitCode
  return error instanceof AppError && error.code === 'BAD_USER_INPUT' ? 2 : 1
}
