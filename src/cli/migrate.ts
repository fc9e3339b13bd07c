import { type Terminal, print } from './terminal.ts'
import { type CommandContext, withApp } from './with-app.ts'

/** `connlog migrate`: applies what is missing and says what that was. */
export async function migrate(terminal: Terminal): Promise<void> {
  const apply = async ({ app }: CommandContext) => {
    const applied = await app.database.migrations.apply()
    for (const name of applied) print(terminal, `Applied ${name}.`)
    if (applied.length === 0) print(terminal, 'The database is up to date.')
  }
  await withApp(terminal, apply, { mayCreate: true })
}
