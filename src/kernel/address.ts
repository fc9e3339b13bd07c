import { AppError, badInput } from './errors.ts'

/**
 * The address of a server as people give it: http or https, without slashes at the end.
 * @param field what the caller calls it
 * @param expected what was expected, as it ends the sentence "Expected … to be"
 * @throws {AppError} BAD_USER_INPUT; the sentence shows nothing that may hold credentials
 */
export function parseAddress(text: string, field: string, expected: string): URL {
  const unshown = (wanted: string, got: string) =>
    new AppError('BAD_USER_INPUT', `Expected \`${field}\` to be ${wanted}, got ${got}.`)
  const url = parse(text.trim())
  if (!url) throw /[@?#]/.test(text) ? unshown(expected, 'something else') : badInput(field, expected, text)
  if (url.username !== '' || url.password !== '')
    throw unshown(`${expected}, without user and password`, 'one with them')
  if (url.search !== '' || url.hash !== '')
    throw unshown(`${expected}, without ? and #`, 'one with more behind it')
  url.pathname = url.pathname.replace(/\/+$/, '')
  return url
}

function parse(text: string): URL | undefined {
  try {
    const url = new URL(text)
    return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined
  } catch {
    return undefined
  }
}
