/** Gives the writer to one caller at a time, in the order in which they asked. */
export interface WriteQueue {
  /** Resolves when it is the caller's turn, with the function that ends the turn. Calling that twice is harmless. */
  readonly enter: () => Promise<() => void>
}

export function createWriteQueue(): WriteQueue {
  let lastTurn: Promise<void> = Promise.resolve()
  return {
    enter: async () => {
      const previousTurn = lastTurn
      const { promise, end } = openTurn()
      lastTurn = promise
      await previousTurn
      return end
    },
  }
}

function openTurn(): { promise: Promise<void>; end: () => void } {
  let end = (): void => undefined
  const promise = new Promise<void>((resolve) => {
    end = resolve
  })
  return { promise, end }
}
