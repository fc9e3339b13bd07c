/** What the page hands to the script below, as JSON in `data-options` of its `#root`. */
export interface BootOptions {
  /** Path of the GraphQL API. */
  endpoint: string
  /** Path at which a one-time code is exchanged for a key. */
  keyPath: string
  /** HTML of the heading. */
  title: string
  defaultQuery: string
  /** Paths of the scripts of Monaco's workers, by the names that Monaco gives them. */
  workers: Record<'editorWorkerService' | 'json' | 'graphql', string>
}

/**
 * Starts GraphiQL in the browser with an API key among its headers: that of `#code=…`, a one-time code, or of
 * `#key=clk_…`, or else the one that this tab had before it was reloaded.
 *
 * What was in the address leaves it before anything else happens. A browser remembers addresses that it was sent to all
 * the same, and so people are given codes, which are used up. The key lives in sessionStorage, for this tab only. What
 * GraphiQL keeps of queries, variables and tabs goes to localStorage without headers, so the key of the page holds in
 * every restored tab. The names there are our own, since other projects' GraphiQL may have been on this host and port
 * before, and nobody wants to begin with their last query.
 */
export const bootScript = `'use strict'
void (async () => {
  const root = document.getElementById('root')
  const { endpoint, keyPath, title, defaultQuery, workers } = JSON.parse(root.dataset.options)

  const given = (name) => new URLSearchParams(location.hash.slice(1)).get(name)
  const [code, keyOfAddress] = [given('code'), given('key')]
  if (location.hash) history.replaceState(null, '', location.pathname + location.search)
  // Another key in the address bar of an open page does not load the page by itself.
  addEventListener('hashchange', () => (given('code') || given('key')) && location.reload())

  async function exchanged() {
    const answer = await fetch(keyPath, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ code }),
    })
    return answer.ok ? (await answer.json()).key : undefined
  }

  const STORED_KEY = 'connlog/key'
  const newKey = keyOfAddress || (code && (await exchanged().catch(() => undefined)))
  if (newKey) sessionStorage.setItem(STORED_KEY, newKey)
  const key = newKey || sessionStorage.getItem(STORED_KEY)
  const headers = JSON.stringify({ Authorization: 'Bearer ' + (key || '<your key>') }, null, 2)

  const prefix = 'connlog/'
  const storedNames = () => Object.keys(localStorage).filter((name) => name.startsWith(prefix))
  const storage = {
    getItem: (name) => localStorage.getItem(prefix + name),
    setItem: (name, value) => localStorage.setItem(prefix + name, value),
    removeItem: (name) => localStorage.removeItem(prefix + name),
    clear: () => storedNames().forEach((name) => localStorage.removeItem(name)),
    get length() {
      return storedNames().length
    },
  }

  globalThis.MonacoEnvironment = { getWorkerUrl: (_module, label) => workers[label] }

  // Undefined leaves the choice to GraphiQL: the query in the address, or else the one last edited.
  const hasQuery = new URLSearchParams(location.search).get('query') || storage.getItem('graphiql:query')
  YogaGraphiQL.renderYogaGraphiQL(root, {
    endpoint,
    title,
    storage,
    defaultQuery,
    query: hasQuery ? undefined : defaultQuery,
    variables: hasQuery ? undefined : '',
    headers,
    initialHeaders: headers,
    shouldPersistHeaders: false,
    defaultEditorToolsVisibility: 'headers',
    // Yoga's page copies each edit into the address, from where a reload sends it to the server and its log.
    onEditQuery() {},
  })
})()
`
