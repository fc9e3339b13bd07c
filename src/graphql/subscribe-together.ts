import { type ExecutionArgs, type ExecutionResult, createSourceEventStream, execute, print } from 'graphql'
import { LRUCache } from 'lru-cache'
import { type YieldIfLong, NEVER_YIELDS } from '../kernel/yield-if-long.ts'

type Results = Map<string, Promise<ExecutionResult>>

/** Results by the event they were made from. */
const known = new WeakMap<object, Results>()

/** Subscribers who ask for the same do so at about the same moment, while an event is held for seconds. */
const MAX_KNOWN = 256

/** The latest results, each with the function that removes it from {@link known}. */
const latest = new LRUCache<Promise<ExecutionResult>, () => void>({
  max: MAX_KNOWN,
  dispose: (forget) => forget(),
})

/**
 * Subscribes, as `subscribe` of graphql-js does. What an event comes to depends on the event, the document and its
 * variables alone: fields of an event ask nothing of who is asking, whose sight has chosen the event. So it is executed
 * once for all subscribers to whom it is the same object and who ask for the same.
 * https://spec.graphql.org/October2021/#sec-Subscription
 */
export async function subscribeTogether(
  args: ExecutionArgs,
  yieldIfLong: YieldIfLong = NEVER_YIELDS,
): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
  const source = await createSourceEventStream(args)
  if (!(Symbol.asyncIterator in source)) return source
  const asked = JSON.stringify([print(args.document), args.operationName, args.variableValues])

  const run = async (event: unknown): Promise<ExecutionResult> => {
    await yieldIfLong()
    return execute({ ...args, rootValue: event })
  }

  function resultOf(event: unknown): Promise<ExecutionResult> {
    if (typeof event !== 'object' || event === null) return run(event)
    const results: Results = known.get(event) ?? new Map()
    known.set(event, results)
    const before = results.get(asked)
    if (before) return before
    const result = run(event)
    results.set(asked, result)
    latest.set(result, () => results.delete(asked))
    return result
  }

  const events = source[Symbol.asyncIterator]()
  const results: AsyncIterableIterator<ExecutionResult> = {
    next: async () => {
      const event: IteratorResult<unknown, unknown> = await events.next()
      return event.done
        ? { done: true, value: undefined }
        : { done: false, value: await resultOf(event.value) }
    },
    return: async () => {
      await events.return?.()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]: () => results,
  }
  return results
}
