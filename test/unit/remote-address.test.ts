import { expect, it } from 'vitest'
import { graphqlAddress } from '../../src/remote/address.ts'

const AT = 'https://logs.example/graphql'

it.each([
  ['https://logs.example', AT],
  [' https://logs.example/\n', AT],
  [AT, AT],
  [`${AT}/`, AT],
  ['http://[::1]:4000/logs/', 'http://[::1]:4000/logs/graphql'],
])('%j is %s', (text, address) => {
  expect(graphqlAddress(text, '--url').href).toBe(address)
})

const EXPECTED = 'Expected `--url` to be the address of a connlog service, such as https://logs.example.com'

it.each([
  ['logs.example', `${EXPECTED}, got "logs.example".`],
  ['https://user:s3cret@logs.example', `${EXPECTED}, without user and password, got one with them.`],
  ['http://127.0.0.1:4000/graphql#key=s3cret', `${EXPECTED}, without ? and #, got one with more behind it.`],
])('%j is refused in a sentence that shows no secret', (text, sentence) => {
  expect(() => graphqlAddress(text, '--url')).toThrow(expect.objectContaining({ message: sentence }))
})
