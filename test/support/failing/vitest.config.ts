import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** A run that has to fail: test/guard/runner.test.ts asks whether anybody would notice. */
export default defineConfig({
  root: fileURLToPath(new URL('../../..', import.meta.url)),
  test: {
    include: ['test/support/failing/fails.ts'],
    globalSetup: ['test/support/global-setup.ts'],
  },
})
