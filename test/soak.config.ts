import { defineConfig, mergeConfig } from 'vitest/config'
import tests from './vitest.config.ts'

/** Tests of faults and of tenants with more of everything: `npm run soak`, or `npm run soak -- kill` for some of them. */
const config = mergeConfig(tests, defineConfig({ test: { testTimeout: 3_600_000 } }))

export default {
  ...config,
  test: {
    ...config.test,
    include: ['test/faults/**/*.test.ts', 'test/soak/**/*.test.ts', 'test/api/random-tenants.test.ts'],
    exclude: ['**/node_modules/**'],
    provide: {
      faults: {
        cycles: 100,
        longestMs: 1_500,
        events: 20_000,
        operations: 10_000,
        reconnects: 1_000,
        unread: 100_000,
        outagesMs: [1_500, 4_500, 15_000, 45_000],
        areTimed: true,
      },
      tenants: { operations: 100_000 },
    },
  },
}
