import { printSorted } from '../graphql/print.ts'
import { createSchema } from '../schema.ts'
import type { Terminal } from './terminal.ts'
import { platformsOf } from './with-app.ts'

/** `connlog schema`: prints the GraphQL schema of this version, with the platforms of the settings. */
export function printSchema(terminal: Terminal): void {
  terminal.stdout.write(printSorted(createSchema(platformsOf(terminal))))
}
