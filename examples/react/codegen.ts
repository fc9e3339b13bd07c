import type { CodegenConfig } from '@graphql-codegen/cli'

const config: CodegenConfig = {
  schema: '../../schema.graphql',
  documents: ['src/**/*.{ts,tsx}', '!src/generated/**'],
  // As Vite and TypeScript resolve them: ES modules that name each other with their extension.
  emitLegacyCommonJSImports: false,
  importExtension: '.ts',
  generates: {
    'src/generated/': {
      preset: 'client',
      // A component reads its own fragment and nothing that another one asked for. It is no hook, so it has no hook's name.
      presetConfig: { fragmentMasking: { unmaskFunctionName: 'readFragment' } },
      config: {
        // Objects whose values are the filters' options: a platform that the schema gains is offered without more ado.
        enumType: 'const',
        namingConvention: { enumValues: 'keep' },
        useTypeImports: true,
        strictScalars: true,
        scalars: { DateTime: 'string', JSONObject: 'Record<string, unknown>' },
      },
    },
  },
}

export default config
