import { useSyncExternalStore } from 'react'

function subscribe(call: () => void): () => void {
  addEventListener('online', call)
  addEventListener('offline', call)
  return () => {
    removeEventListener('online', call)
    removeEventListener('offline', call)
  }
}

/** Whether the browser has a network. */
export const useOnline = (): boolean => useSyncExternalStore(subscribe, () => navigator.onLine)
