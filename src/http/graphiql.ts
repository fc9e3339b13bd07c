import { createAsset, type Asset } from './asset.ts'
import { bootScript, type BootOptions } from './graphiql-boot.ts'
import { targetOf } from './request-target.ts'

export interface GraphiqlOptions {
  /** Path of the GraphQL API on this server. */
  endpoint: string
  /** Path at which a one-time code is exchanged for a key. */
  keyPath: string
  /** Path of the folder in which `asset` answers, without a slash at its end. */
  assetsPath: string
  /** Shown as the page's title and heading. */
  title: string
  /** The query in the editor of somebody who has not edited one yet. */
  defaultQuery: string
}

export interface Graphiql {
  /** The HTML page. Its address hands it an API key: `#code=…`, to be exchanged for one, or `#key=clk_…`. */
  page(request: Request): Promise<Response>
  /** The scripts and styles of the page, below `assetsPath`; 404 for anything else. */
  asset(request: Request, path: string): Promise<Response>
}

/**
 * No other host, no inline script, nothing framed. Styles may be inline because Monaco writes `<style>` elements
 * and style attributes of its own; fonts and small images are data inside the style sheet.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  'font-src data:',
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const JAVASCRIPT = 'text/javascript; charset=utf-8'

/** GraphiQL, served from its package on npm: no other host is reached. */
export function createGraphiql(options: GraphiqlOptions): Graphiql {
  let opened: Promise<{ html: string; assets: ReadonlyMap<string, Asset> }> | undefined

  // The package is one module of 9 MB, which takes a tenth of a second to load: not before somebody looks.
  async function open() {
    const parts = await import('@graphql-yoga/render-graphiql/graphiql')
    const script = (stem: string, source: string) => createAsset(stem, 'js', JAVASCRIPT, Buffer.from(source))
    const named = {
      favicon: createAsset('favicon', 'ico', 'image/x-icon', decodeDataUrl(parts.favicon)),
      style: createAsset('graphiql', 'css', 'text/css; charset=utf-8', Buffer.from(parts.css)),
      graphiql: script('graphiql', parts.js),
      boot: script('boot', bootScript),
      editorWorker: script('editor-worker', parts.editorWorkerService),
      jsonWorker: script('json-worker', parts.jsonWorker),
      graphqlWorker: script('graphql-worker', parts.graphqlWorker),
    }
    const pathOf = (asset: Asset) => `${options.assetsPath}/${asset.name}`
    // Relative, so that they hold below any path that a host has mounted the service at.
    const fromRoot = (path: string) => path.replace(/^\//, '')
    const linkTo = (asset: Asset) => fromRoot(pathOf(asset))
    return {
      html: renderPage({
        title: options.title,
        favicon: linkTo(named.favicon),
        style: linkTo(named.style),
        scripts: [linkTo(named.graphiql), linkTo(named.boot)],
        boot: {
          endpoint: fromRoot(options.endpoint),
          keyPath: fromRoot(options.keyPath),
          title: escapeHtml(options.title),
          defaultQuery: options.defaultQuery,
          workers: {
            editorWorkerService: linkTo(named.editorWorker),
            json: linkTo(named.jsonWorker),
            graphql: linkTo(named.graphqlWorker),
          },
        },
      }),
      assets: new Map(Object.values(named).map((asset) => [pathOf(asset), asset])),
    }
  }

  return {
    async page(request) {
      const { path, query } = targetOf(request)
      if (path.endsWith('/')) return redirect(`..${options.endpoint}${query && `?${query}`}`)
      opened ??= open()
      const { html } = await opened
      return new Response(request.method === 'HEAD' ? null : html, {
        headers: {
          'content-type': 'text/html; charset=utf-8',
          'content-length': String(Buffer.byteLength(html)),
          'cache-control': 'no-store',
          'content-security-policy': CONTENT_SECURITY_POLICY,
          'cross-origin-opener-policy': 'same-origin',
          'referrer-policy': 'no-referrer',
          'x-content-type-options': 'nosniff',
          'x-frame-options': 'DENY',
        },
      })
    },

    async asset(request, path) {
      opened ??= open()
      const { assets } = await opened
      const asset = assets.get(path)
      if (asset) return asset.respond(request)
      return new Response('Not found\n', {
        status: 404,
        headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
      })
    },
  }
}

/** Browsers keep what follows `#`, be it a key. */
const redirect = (location: string) =>
  new Response(null, { status: 308, headers: { location, 'content-length': '0' } })

interface PageParts {
  title: string
  favicon: string
  style: string
  scripts: string[]
  boot: BootOptions
}

function renderPage({ title, favicon, style, scripts, boot }: PageParts): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escapeHtml(title)}</title>
    <link rel="icon" href="${escapeHtml(favicon)}">
    <link rel="stylesheet" href="${escapeHtml(style)}">
    ${scripts.map((path) => `<script defer src="${escapeHtml(path)}"></script>`).join('\n    ')}
  </head>
  <body class="no-focus-outline">
    <noscript>GraphiQL needs JavaScript.</noscript>
    <div id="root" data-options="${escapeHtml(JSON.stringify(boot))}"></div>
  </body>
</html>
`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function decodeDataUrl(url: string): Buffer {
  return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64')
}
