/** What stands for operations without a name, for those whose names are too many, and for what is no operation. */
export const NO_NAME = '(none)'
export const OTHER_NAME = '(other)'

/** Most names that callers may teach a process. */
const MAX_LEARNED = 100

/** A key is a good name to GraphQL, and must not become one to us. */
const SHOWABLE = /^(?!.*clk_)\w{1,64}$/

/**
 * Names of operations as labels. Callers choose names, and each is a time series for as long as the process lives: so
 * those of listed operations count, and of all others the first hundred that were answered well.
 */
export interface OperationNames {
  /** @param isGood whether the operation was answered without an error, so that its name may be learned */
  labelOf(name: string | undefined, isGood: boolean): string
}

export function createOperationNames(
  listed: Iterable<string> = [],
  maxLearned = MAX_LEARNED,
): OperationNames {
  const known = new Set(listed)
  let left = maxLearned
  return {
    labelOf: (name, isGood) => {
      if (name === undefined) return NO_NAME
      if (known.has(name)) return name
      if (!isGood || left === 0 || !SHOWABLE.test(name)) return OTHER_NAME
      left -= 1
      known.add(name)
      return name
    },
  }
}
