import { expect, it } from 'vitest'
import { logsAddress } from '../../src/late/address.ts'

const AT = 'https://late.example/api/v1/connections/logs'

it.each([
  ['https://late.example', AT],
  ['https://late.example/', AT],
  [' https://late.example/\n', AT],
  ['https://late.example/api', AT],
  ['https://late.example/api/v1', AT],
  ['https://late.example/api/v1//', AT],
  [AT, AT],
  [`${AT}/`, AT],
  ['HTTPS://Late.Example:443', AT],
  ['http://127.0.0.1:4000', 'http://127.0.0.1:4000/api/v1/connections/logs'],
  ['http://[::1]:4000/logs/', 'http://[::1]:4000/logs/api/v1/connections/logs'],
  ['https://late.example/mounted/api/v1', 'https://late.example/mounted/api/v1/connections/logs'],
])('%j is %s', (text, address) => {
  expect(logsAddress(text).href).toBe(address)
})

const EXPECTED = 'Expected `url` to be the address of a server, such as https://getlate.dev'

it.each([
  ['', `${EXPECTED}, got "".`],
  ['late.example', `${EXPECTED}, got "late.example".`],
  ['localhost:4000', `${EXPECTED}, got "localhost:4000".`],
  ['ftp://late.example', `${EXPECTED}, got "ftp://late.example".`],
  ['user:s3cret@late.example', `${EXPECTED}, got something else.`],
  ['https://user:s3cret@late.example', `${EXPECTED}, without user and password, got one with them.`],
  ['https://late.example?key=s3cret', `${EXPECTED}, without ? and #, got one with more behind it.`],
  ['http://127.0.0.1:4000/graphql#key=s3cret', `${EXPECTED}, without ? and #, got one with more behind it.`],
])('%j is refused in a sentence that shows no secret', (text, sentence) => {
  expect(() => logsAddress(text)).toThrow(expect.objectContaining({ message: sentence }))
})
