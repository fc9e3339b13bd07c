/** Why logs could not be had from a server, in a sentence for the operator; it holds neither key nor content. */
export class LateError extends Error {
  override readonly name = 'LateError'
}
