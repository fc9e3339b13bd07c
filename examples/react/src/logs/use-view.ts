import { useCallback, useMemo, useSyncExternalStore } from 'react'
import { type View, formatView, parseView } from './view.ts'

/** What is typed replaces the entry of the history, what is chosen adds one. */
export type ChangeView = (change: Partial<View>, entry?: 'add' | 'replace') => void

/** The view in the address, and how to change it: whatever is changed, it begins at the first page. */
export function useView(): [View, ChangeView] {
  const query = useSyncExternalStore(listen, () => location.search)
  const view = useMemo(() => parseView(query), [query])
  const change = useCallback<ChangeView>((change, entry = 'add') => {
    const address = location.pathname + formatView({ ...parseView(location.search), page: 1, ...change })
    if (entry === 'add') history.pushState(null, '', address)
    else history.replaceState(null, '', address)
    // The browser tells of its own buttons alone.
    dispatchEvent(new PopStateEvent('popstate'))
  }, [])
  return [view, change]
}

function listen(listener: () => void): () => void {
  addEventListener('popstate', listener)
  return () => removeEventListener('popstate', listener)
}
