import type { CodegenConfig } from '@graphql-codegen/cli'

const types = {
  scalars: { DateTime: 'string', JSONObject: 'Record<string, unknown>' },
  strictScalars: true,
  useTypeImports: true,
}

const config: CodegenConfig = {
  // As Node runs it: ES modules that name each other with their extension.
  emitLegacyCommonJSImports: false,
  importExtension: '.ts',
  schema: '../../schema.graphql',
  generates: {
    // Documents as Apollo Client, urql and graphql-request take them.
    'generated/documents/': {
      preset: 'client',
      documents: 'src/operations.ts',
      config: types,
    },
    // Documents as strings, for whoever sends them himself; the list goes to PERSISTED_OPERATIONS.
    'generated/strings/': {
      preset: 'client',
      documents: ['src/fetch.ts', 'src/graphql-sse.ts'],
      presetConfig: { persistedDocuments: true },
      config: { ...types, documentMode: 'string' },
    },
  },
}

export default config
