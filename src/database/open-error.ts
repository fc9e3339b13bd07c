/** Why a database could not be opened, in a sentence for the operator. */
export class DatabaseOpenError extends Error {
  override readonly name = 'DatabaseOpenError'
}
