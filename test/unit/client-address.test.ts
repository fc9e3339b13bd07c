import { describe, expect, it } from 'vitest'
import { clientAddress } from '../../src/http/client-address.ts'

describe('where a request comes from', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:a:b:c:d:e:f', '2001:db8:a:b::/64'],
    ['2001:DB8:000a:B::1', '2001:db8:a:b::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1::3:4:5:6', '2001:db8:1:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['1::2:3:4:5:192.0.2.1', '1:0:2:3::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['unix', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('is %s as %s', (peer, counted) => {
    expect(clientAddress(peer, null, 0)).toBe(counted)
  })

  it.each([
    ['no proxy is trusted', 0, '203.0.113.9', '10.0.0.1'],
    ['one is', 1, '203.0.113.9', '203.0.113.9'],
    ['one is, and the client has made up the rest', 1, '1.1.1.1, 203.0.113.9', '203.0.113.9'],
    ['two are', 2, '1.1.1.1, 203.0.113.9 ,10.0.0.2', '203.0.113.9'],
    ['two are, and the header has one', 2, '203.0.113.9', '10.0.0.1'],
    ['one is, and says nothing', 1, null, '10.0.0.1'],
    ['one is, and writes the port', 1, '203.0.113.9:51234', '203.0.113.9'],
    ['one is, and writes IPv6 with the port', 1, '[2001:db8::1]:51234', '2001:db8:0:0::/64'],
    ['one is, and writes IPv6', 1, '2001:db8::1', '2001:db8:0:0::/64'],
    ['one is, and writes what is no address', 1, '1.1.1.1, unknown', '10.0.0.1'],
  ])('where %s', (_, trusted, header, counted) => {
    expect(clientAddress('10.0.0.1', header, trusted)).toBe(counted)
  })
})
