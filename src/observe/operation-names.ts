/** What stands for operations without a name, for those whose names are too many, and for what is no operation. */
export const NO_NAME = '(none)'
export const OTHER_NAME = '(other)'

/** Most names that callers may teach a process. */
const MAX_LEARNED = 100

/** Most names of that which keys of users may teach, all together and each user: the rest is for service keys. */
const MAX_OF_USERS = 50
const MAX_OF_A_USER = 10

/** A key is a good name to GraphQL, and must not become one to us. */
const SHOWABLE = /^(?!.*clk_)\w{1,64}$/

/**
 * Names of operations as labels. Callers choose names, and each is a time series for as long as the process lives: so
 * those of listed operations count, and of all others the first hundred that were answered well. No user fills these.
 */
export interface OperationNames {
  /**
   * @param isGood whether the operation was answered without an error, so that its name may be learned
   * @param userId whose key asks; null for a service key
   */
  labelOf(name: string | undefined, isGood: boolean, userId: string | null): string
}

export function createOperationNames(
  listed: Iterable<string> = [],
  maxLearned = MAX_LEARNED,
): OperationNames {
  const known = new Set(listed)
  let left = maxLearned
  let leftToUsers = Math.min(MAX_OF_USERS, maxLearned)
  /** Of users that have taught some, which are no more than the names. */
  const taught = new Map<string, number>()

  function mayTeach(userId: string | null): boolean {
    if (left === 0) return false
    return userId === null || (leftToUsers > 0 && (taught.get(userId) ?? 0) < MAX_OF_A_USER)
  }

  return {
    labelOf: (name, isGood, userId) => {
      if (name === undefined) return NO_NAME
      if (known.has(name)) return name
      if (!isGood || !mayTeach(userId) || !SHOWABLE.test(name)) return OTHER_NAME
      left -= 1
      if (userId !== null) {
        leftToUsers -= 1
        taught.set(userId, (taught.get(userId) ?? 0) + 1)
      }
      known.add(name)
      return name
    },
  }
}
