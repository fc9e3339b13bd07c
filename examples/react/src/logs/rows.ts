/** What a row is told from another by, and where it stands. */
interface Placed {
  readonly id: string
  readonly createdAt: string
}

const DAY_MS = 86_400_000

/**
 * The first page with what came since it was read: each log once, newest first, no more than the page may hold. A log that
 * was recorded late stands at its time.
 * @param live in any order
 * @param days what is older does not belong to the page
 */
export function rowsOf<Log extends Placed>(
  page: readonly Log[],
  live: readonly Log[],
  days: number,
  limit = 50,
): readonly Log[] {
  const oldest = new Date(Date.now() - days * DAY_MS).toISOString()
  const known = new Set(page.map(({ id }) => id))
  const news = live.filter(({ id, createdAt }) => !known.has(id) && createdAt > oldest)
  if (news.length === 0) return page
  return [...news, ...page].sort(newestFirst).slice(0, limit)
}

/** Instants are in UTC with milliseconds, so their texts are in the order of time. */
const newestFirst = (a: Placed, b: Placed) => compare(b.createdAt, a.createdAt) || compare(b.id, a.id)

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
