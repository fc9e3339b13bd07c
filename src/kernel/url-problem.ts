/** Why a `DATABASE_URL` cannot be used, in sentences that hold nothing secret. */
export class UrlProblem extends Error {
  override readonly name = 'UrlProblem'
}
