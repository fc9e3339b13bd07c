import { parseAddress } from '../kernel/address.ts'

const PATH = '/graphql'

/**
 * The address of GraphQL on a connlog service, from what people have at hand: its origin, a path that it is mounted on,
 * or the whole address of GraphQL; slashes at the end do not matter.
 * @param field what the caller calls it
 * @throws {AppError} BAD_USER_INPUT; the sentence shows nothing that may hold credentials
 */
export function graphqlAddress(text: string, field: string): URL {
  const url = parseAddress(text, field, 'the address of a connlog service, such as https://logs.example.com')
  if (!url.pathname.endsWith(PATH)) url.pathname = `${url.pathname.replace(/^\/$/, '')}${PATH}`
  return url
}
