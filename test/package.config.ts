import { defineConfig, mergeConfig } from 'vitest/config'
import tests from './vitest.config.ts'

/** What was packed, installed elsewhere: `npm run test:package`. It needs the npm registry, and some minutes. */
const config = mergeConfig(tests, defineConfig({ test: { testTimeout: 300_000, hookTimeout: 300_000 } }))

export default {
  ...config,
  test: {
    ...config.test,
    include: ['test/packaging/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    globalSetup: ['test/packaging/global-setup.ts'],
    setupFiles: [],
    reporters: ['default', 'json'],
    outputFile: { json: 'node_modules/.cache/package-results.json' },
  },
}
