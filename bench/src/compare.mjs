import { isDeepStrictEqual } from 'node:util'
import { LIMIT } from './page.mjs'

/**
 * Asks two contestants for the same pages: first, some in between, last, and one behind the end.
 * @returns {Promise<string | undefined>} the first difference, or nothing if there is none
 */
export async function compareAnswers(reference, other, { small, mid }) {
  const pages = [small, mid].flatMap((tenant) =>
    [0, 1, 7, LIMIT, Math.floor(tenant.logs / 2), tenant.logs - LIMIT, tenant.logs - 3, tenant.logs + 5].map(
      (skip) => ({ tenant, skip }),
    ),
  )
  for (const { tenant, skip } of pages) {
    const [expected, got] = await Promise.all(
      [reference, other].map((contestant) => pageOf(contestant, tenant, skip)),
    )
    if (expected.pagination.total !== tenant.logs) {
      throw new Error(
        `Expected ${tenant.logs} logs of ${tenant.userId}, got a total of ${expected.pagination.total}.`,
      )
    }
    const difference = firstDifference(expected, got, `page at skip ${skip}`)
    if (difference !== undefined) return difference
  }
  return undefined
}

async function pageOf(contestant, { key }, skip) {
  const { method, path, headers, body } = contestant.ask(skip)
  const response = await fetch(new URL(path, contestant.url), {
    method,
    headers: { ...headers, authorization: `Bearer ${key}` },
    body,
  })
  const text = await response.text()
  try {
    return contestant.read(JSON.parse(text), skip)
  } catch (error) {
    throw new Error(`${contestant.name} answered ${response.status}: ${text.slice(0, 500)}`, { cause: error })
  }
}

/** Order of members does not matter, all else does. */
function firstDifference(expected, got, at) {
  if (isDeepStrictEqual(expected, got)) return undefined
  const isObject = (value) => typeof value === 'object' && value !== null
  if (!isObject(expected) || !isObject(got)) {
    return `${at}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`
  }
  for (const name of new Set([...Object.keys(expected), ...Object.keys(got)])) {
    const difference = firstDifference(expected[name], got[name], `${at}.${name}`)
    if (difference !== undefined) return difference
  }
  return `${at}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`
}
