import type { CodegenConfig } from '@graphql-codegen/cli'

const config: CodegenConfig = {
  schema: '../../../schema.graphql',
  documents: 'src/**/*.ts',
  // As Node runs it: ES modules that name each other with their extension.
  emitLegacyCommonJSImports: false,
  importExtension: '.ts',
  generates: {
    'generated/': {
      preset: 'client',
      config: {
        scalars: { DateTime: 'string', JSONObject: 'Record<string, unknown>' },
        strictScalars: true,
        useTypeImports: true,
      },
    },
  },
}

export default config
