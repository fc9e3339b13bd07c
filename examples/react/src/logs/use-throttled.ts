import { useCallback, useEffect, useRef } from 'react'

/**
 * A function that runs `work` at most once in `ms`, however often it is called; the last call is not lost. While nobody
 * looks at the page it waits.
 * @param work returns false where it cannot be done yet: it is tried again
 */
export function useThrottled(work: () => boolean, ms: number): () => void {
  const latest = useRef(work)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const isDue = useRef(false)

  useEffect(() => {
    latest.current = work
  }, [work])

  const run = useCallback(() => {
    isDue.current = true
    if (timer.current !== undefined || document.hidden) return
    timer.current = setTimeout(() => {
      timer.current = undefined
      if (document.hidden) return
      isDue.current = !latest.current()
      if (isDue.current) run()
    }, ms)
  }, [ms])

  useEffect(() => {
    const look = () => {
      if (isDue.current) run()
    }
    document.addEventListener('visibilitychange', look)
    return () => {
      document.removeEventListener('visibilitychange', look)
      clearTimeout(timer.current)
      timer.current = undefined
    }
  }, [run])

  return run
}
