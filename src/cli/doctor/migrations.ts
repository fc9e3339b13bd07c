import { type Finding, ok, wrong } from '../../database/finding.ts'
import { DatabaseOpenError } from '../../database/open-error.ts'
import type { Database } from '../../database/port.ts'

export async function lookAtMigrations({ migrations }: Pick<Database, 'migrations'>): Promise<Finding> {
  try {
    const pending = await migrations.pending()
    if (pending.length > 0)
      return wrong(`migrations: the database lacks ${pending.join(', ')}`, 'Run `connlog migrate`.')
    const applied = await migrations.applied()
    return ok(`migrations: all ${applied.length} applied, the last of them ${applied.at(-1) ?? 'none'}`)
  } catch (error) {
    if (!(error instanceof DatabaseOpenError)) throw error
    return refused('migrations', error.message)
  }
}

/** A sentence that says what is wrong, and often in a second one what to do. */
export function refused(topic: string, sentences: string): Finding {
  const [what = '', ...rest] = sentences.split(/\. (?=[A-Z])/)
  return wrong(`${topic}: ${what.replace(/\.$/, '')}`, rest.join('. '))
}
