import tests from './vitest.config.ts'

/** GraphiQL and the live example in Chromium: `npm run test:browser`. */
export default {
  ...tests,
  test: {
    ...tests.test,
    include: ['test/browser/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    outputFile: { json: 'node_modules/.cache/browser-results.json' },
  },
}
