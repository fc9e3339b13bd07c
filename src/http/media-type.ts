const JSON_TYPE = 'application/json'
const RESPONSE_TYPE = 'application/graphql-response+json'
const ANY_TYPE = new Set(['*/*', 'application/*'])

/**
 * The media type of an answer to GraphQL as Yoga chooses it: the first that is JSON. Undefined where the choice is not
 * plain.
 */
export function mediaTypeFor(accept: string | null): string | undefined {
  const ranges = (accept || '*/*').replaceAll(/\s/g, '').toLowerCase().split(',')
  if (ranges.some((range) => range.includes('charset'))) return undefined
  const types = ranges.map((range) => range.split(';', 1)[0] ?? '')
  const first = types.find((type) => type.includes('*') || type === JSON_TYPE || type === RESPONSE_TYPE)
  if (first === undefined || (first.includes('*') && !ANY_TYPE.has(first))) return undefined
  return `${first === RESPONSE_TYPE ? RESPONSE_TYPE : JSON_TYPE}; charset=utf-8`
}

/** The header of such an answer where it is not written by Yoga, which is as `json` has it where there is no choice. */
export function contentTypeFor(accept: string | null): Record<string, string> {
  const type = mediaTypeFor(accept)
  return type === undefined ? {} : { 'content-type': type }
}
