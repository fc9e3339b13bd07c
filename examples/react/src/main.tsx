import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './App.tsx'
import { createKeyStore } from './key/key-store.ts'
import './styles.css'

const root = document.getElementById('root')
if (!root) throw new Error('Expected index.html to have an element with the id root.')

createRoot(root).render(
  <StrictMode>
    <App keys={createKeyStore()} />
  </StrictMode>,
)
