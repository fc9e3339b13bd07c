import { AppError } from '../kernel/errors.ts'
import type { LineResult } from './ndjson.ts'

/** The media type of newline-delimited JSON; not registered, and what everybody uses. */
export const NDJSON = 'application/x-ndjson'

/**
 * An answer of newline-delimited JSON: a line for each line that was sent, as soon as that is committed, and at last
 * `{"accepted", "duplicates", "rejected"}`, or `{"error"}` if it could not go on. Without a last line of either kind
 * the answer was cut. It is written no faster than it is read, and the lines sent are read no faster than that.
 * @param onFailure is told what went wrong on our side
 */
export function answerEachLine(
  results: AsyncGenerator<LineResult[], void>,
  onFailure: (error: unknown) => void,
): Response {
  const encoder = new TextEncoder()
  const summary = { accepted: 0, duplicates: 0, rejected: 0 }

  async function next(): Promise<{ readonly lines: readonly object[]; readonly isLast: boolean }> {
    try {
      const { done, value } = await results.next()
      if (done) return { lines: [summary], isLast: true }
      for (const { result } of value) summary[result === 'duplicate' ? 'duplicates' : result] += 1
      return { lines: value.map(toLate), isLast: false }
    } catch (error) {
      onFailure(error)
      const sentence = error instanceof AppError ? error.message : 'Something went wrong on our side.'
      return { lines: [{ error: sentence }], isLast: true }
    }
  }

  const body = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { lines, isLast } = await next()
        controller.enqueue(encoder.encode(lines.map((line) => `${JSON.stringify(line)}\n`).join('')))
        if (isLast) controller.close()
      },
      cancel: async () => void (await results.return(undefined)),
    },
    { highWaterMark: 0 },
  )
  return new Response(body, { headers: { 'content-type': `${NDJSON}; charset=utf-8` } })
}

const toLate = (result: LineResult): object =>
  result.result === 'rejected' ? result : { line: result.line, result: result.result, _id: result.id }
