import react from '@vitejs/plugin-react'
import { type ProxyOptions, defineConfig } from 'vite'

const { CONNLOG_URL = 'http://127.0.0.1:4000', VITE_GRAPHQL_URL } = process.env

/** The page asks its own origin, which passes on to connlog: no CORS, and no address in the build. */
const proxy: Record<string, ProxyOptions> = {
  '/graphql': {
    target: CONNLOG_URL,
    changeOrigin: true,
    configure: (proxy) => {
      // A feed that is cut off behind the proxy would stay open before it, and silent.
      proxy.on('proxyRes', (answer, _request, response) => answer.once('aborted', () => response.destroy()))
    },
  },
}

/** The one place that it asks. */
const connect = VITE_GRAPHQL_URL === undefined ? "'self'" : new URL(VITE_GRAPHQL_URL).origin

/** What the page needs and no more: serve it with these headers, since it holds a key. */
const headers = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    'img-src data:',
    `connect-src ${connect}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

export default defineConfig({
  plugins: [react()],
  server: { host: '127.0.0.1', proxy },
  preview: { host: '127.0.0.1', proxy, headers },
})
