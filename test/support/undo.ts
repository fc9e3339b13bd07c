import { afterEach } from 'vitest'

/** @returns a function that takes what has to be undone after the test: backwards, each step whatever became of others */
export function undoneAfterEach(): (...steps: (() => unknown)[]) => void {
  const todo: (() => unknown)[] = []
  afterEach(async () => {
    const errors: unknown[] = []
    for (let step = todo.pop(); step; step = todo.pop()) {
      try {
        await step()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'Not all could be undone.')
  })
  return (...steps) => void todo.push(...steps)
}
