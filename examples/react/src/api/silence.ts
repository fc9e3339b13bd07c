/** Three heartbeats of connlog: who hears nothing for so long is cut off and was not told. */
const SILENCE_MS = 45_000

/** As `fetch`, but a body of which nothing comes for {@link SILENCE_MS} ends with an error. */
export const fetchUnlessSilent: typeof fetch = async (input, init) => {
  const silence = new AbortController()
  const giveUp = () => silence.abort(new Error('Nothing was heard for too long.'))
  let timer = setTimeout(giveUp, SILENCE_MS)
  const heard = () => {
    clearTimeout(timer)
    timer = setTimeout(giveUp, SILENCE_MS)
  }
  const signals = init?.signal ? [init.signal, silence.signal] : [silence.signal]
  const signal = AbortSignal.any(signals)
  signal.addEventListener('abort', () => clearTimeout(timer))
  try {
    const response = await fetch(input, { ...init, signal })
    const body = response.body?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => {
          heard()
          controller.enqueue(chunk)
        },
        flush: () => clearTimeout(timer),
      }),
    )
    const { status, statusText, headers } = response
    return new Response(body ?? null, { status, statusText, headers })
  } catch (error) {
    clearTimeout(timer)
    throw error
  }
}
