import { useMemo, useSyncExternalStore } from 'react'
import { Provider } from 'urql'
import { ApiContext, createApi } from './api/api.ts'
import { KeyForm } from './key/KeyForm.tsx'
import type { KeyStore } from './key/key-store.ts'
import { LogsPage } from './logs/LogsPage.tsx'

/** The logs that the key reaches; without a key, or with one that is refused, a form that asks for it. */
export function App({ keys }: { keys: KeyStore }) {
  const { key, refusal } = useSyncExternalStore(keys.subscribe, keys.read)
  const api = useMemo(() => (key === null ? null : createApi(key, keys.refuse)), [key, keys])
  if (api === null) return <KeyForm refusal={refusal} onKey={keys.take} />
  return (
    <ApiContext value={api}>
      <Provider value={api.client}>
        <LogsPage onForgetKey={keys.forget} />
      </Provider>
    </ApiContext>
  )
}
