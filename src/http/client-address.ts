import { isIP } from 'node:net'

/**
 * Where a request comes from, as it is counted: an IPv4 address, or the 64 bits of an IPv6 network, within which one
 * client may choose its address freely.
 * @param peer the other end of the connection
 * @param forwardedFor the header X-Forwarded-For, to which each proxy adds the address it was asked from
 * @param trustedProxies how many proxies stand before the service. What lies further left in the header is the client's
 *   own word; with 0 so is all of it
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | null,
  trustedProxies: number,
): string | undefined {
  const hops = trustedProxies === 0 ? [] : (forwardedFor?.split(',') ?? [])
  // A header with fewer hops did not come by all of the proxies: then the peer is all that is known.
  return network(hops.at(-trustedProxies)) ?? network(peer)
}

/** Some proxies write a port behind the address, and IPv6 in brackets. */
const WITH_PORT = /^\s*(?:\[(?<v6>[^\]]*)\]|(?<v4>[\d.]+))(?::\d+)?\s*$/

/** Undefined where it is no address. */
function network(text: string | undefined): string | undefined {
  // Most come so, and this is asked of every request.
  if (text === undefined || isIP(text) === 4) return text
  const { v6, v4 } = WITH_PORT.exec(text)?.groups ?? {}
  const address = (v6 ?? v4 ?? text.trim()).replace(/^::ffff:(?=[\d.]+$)/i, '')
  const version = isIP(address)
  if (version === 4) return address
  return version === 6 ? `${leadingGroups(address).join(':')}::/64` : undefined
}

/** The first four of the eight groups of a valid IPv6 address, without leading zeros. */
function leadingGroups(address: string): string[] {
  const [head = '', tail] = address.replace(/%.*$/, '').split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const behind = tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0)
    while (groups.length + behind < 8) groups.push('0')
    groups.push(...tail.split(':'))
  }
  return groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
}
