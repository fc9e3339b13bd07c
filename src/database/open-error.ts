/** @param name what the database is called in sentences */
export const noDatabase = (name: string): string =>
  `No database at ${name}. \`connlog migrate\` creates it. If there should be one, check DATABASE_URL and the working directory.`

/** Why a database could not be opened, in a sentence for the operator. */
export class DatabaseOpenError extends Error {
  override readonly name = 'DatabaseOpenError'
}
