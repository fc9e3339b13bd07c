import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// graphql 16 has no exports map: vitest would load index.mjs for our sources while Node loads index.js for
// Pothos and Yoga, and `instanceof GraphQLError` would fail between the two copies.
const graphqlOnce = [{ find: /^graphql$/, replacement: 'graphql/index.js' }]

const HANG_MS = 900_000

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  resolve: { alias: graphqlOnce },
  test: {
    include: ['test/**/*.test.ts'],
    // These need packages, a browser, or a quiet machine: `npm run test:clients`, `test:package`, `test:browser`, `soak`.
    exclude: [
      '**/node_modules/**',
      'test/clients/**',
      'test/packaging/**',
      'test/browser/**',
      'test/soak/**',
    ],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/each-file.ts'],
    provide: {
      faults: {
        cycles: 20,
        longestMs: 300,
        events: 1_500,
        operations: 130,
        reconnects: 20,
        unread: 1_000,
        outagesMs: [1_500],
        areTimed: false,
      },
      tenants: { operations: 10_000 },
    },
    // Only so that a test that hangs ends at all: how long a test takes depends on what else the machine does.
    testTimeout: HANG_MS,
    hookTimeout: HANG_MS,
    expect: { poll: { timeout: HANG_MS / 2, interval: 20 } },
    // `npm test` has three: an eighth of the time two cores had nothing to do.
    maxWorkers: 2,
    // Nothing happens on import, so files can share what they import: to load it all for each took a third of the time.
    isolate: false,
    // A machine that counts the results reads the runner's own report.
    reporters: process.env['CI'] ? ['default', 'json'] : ['default'],
    outputFile: { json: 'node_modules/.cache/test-results.json' },
  },
})
