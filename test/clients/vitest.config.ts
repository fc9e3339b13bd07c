import { transformAsync } from '@babel/core'
import { type Plugin, defineConfig } from 'vitest/config'

/** Puts the compiler's artifacts in the place of Relay's documents, as its users have it done by Babel. */
const relay: Plugin = {
  name: 'relay',
  transform: async (code, id) => {
    if (!id.includes('/src/relay/') || id.includes('__generated__')) return undefined
    const done = await transformAsync(code, {
      filename: id,
      configFile: false,
      babelrc: false,
      sourceMaps: true,
      parserOpts: { plugins: ['typescript'] },
      plugins: [['relay', { eagerEsModules: true }]],
    })
    return { code: done?.code ?? code, map: done?.map }
  },
  enforce: 'pre',
}

export default defineConfig({
  plugins: [relay],
  test: {
    include: ['*.test.ts'],
    globalSetup: ['support/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    // A machine that counts the results reads the runner's own report.
    reporters: process.env['CI'] ? ['default', 'json'] : ['default'],
    outputFile: { json: 'node_modules/.cache/test-results.json' },
  },
})
