/** Of the encodings that we have, in the order in which we prefer them, the one that the client prefers; else `identity`. */
export function chooseEncoding<const Encoding extends string>(
  accept: string | null,
  ours: readonly Encoding[],
): Encoding | 'identity' {
  const weights = weightsOf(accept ?? '')
  const weightOf = (name: string) => weights.get(name) ?? weights.get('*') ?? 0
  const best = ours.reduce<Encoding | undefined>(
    (chosen, one) => (weightOf(one) > (chosen === undefined ? 0 : weightOf(chosen)) ? one : chosen),
    undefined,
  )
  return best === undefined || (weights.get('identity') ?? 0) > weightOf(best) ? 'identity' : best
}

/** What cannot be read as a weight counts as 0: the client then gets what every client can read. */
function weightsOf(accept: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>()
  for (const part of accept.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
    weights.set(name, weight === undefined ? 1 : Number(weight) || 0)
  }
  return weights
}
