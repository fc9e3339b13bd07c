/** What the page hands to the script below, as JSON in `data-options` of its `#root`. */
export interface BootOptions {
  /** Path of the GraphQL API. */
  endpoint: string
  /** HTML of the heading. */
  title: string
  defaultQuery: string
  /** Paths of the scripts of Monaco's workers, by the names that Monaco gives them. */
  workers: Record<'editorWorkerService' | 'json' | 'graphql', string>
}

/**
 * Starts GraphiQL in the browser, with the key of `#key=clk_…` among its headers.
 *
 * The key leaves the address before anything else happens and lives in the memory of the page only: what
 * GraphiQL keeps of queries, variables and tabs goes to localStorage without headers, so the key that the page
 * was opened with holds in every restored tab. The names there are our own, since other projects' GraphiQL may
 * have been on this host and port before, and nobody wants to begin with their last query.
 */
export const bootScript = `'use strict'
{
  const root = document.getElementById('root')
  const { endpoint, title, defaultQuery, workers } = JSON.parse(root.dataset.options)

  const readKey = () => new URLSearchParams(location.hash.slice(1)).get('key')
  const key = readKey()
  if (location.hash) history.replaceState(null, '', location.pathname + location.search)
  // Another key in the address bar of an open page does not load the page by itself.
  addEventListener('hashchange', () => readKey() && location.reload())

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
}
`
