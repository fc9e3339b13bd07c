import { readMigrations } from '../../src/database/migrations.ts'

/** Names of all migrations, in their order; the same for both providers. */
export const MIGRATIONS = readMigrations('sqlite').map(({ name }) => name)
