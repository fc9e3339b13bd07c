import graphql from '@graphql-eslint/eslint-plugin'

/**
 * Values without an identity of their own: they are read through what they are a part of, and nobody could fetch them
 * again. A type that is neither listed here nor named by one of the suffixes needs an `id`.
 */
const VALUES = [
  'ConnectionContext',
  'ConnectionError',
  'ConnectionStatsPoint',
  'ConnectionSuccess',
  'OffsetPagination',
  'PageInfo',
  'RateLimit',
  // The key that asks, in the form it has for its holder: `keyId` is the id, null for one that is kept nowhere.
  'Viewer',
]
const VALUE_SUFFIXES = ['Connection', 'Edge', 'Event', 'Page', 'Payload', 'Stats']

/** What is held against schema.graphql. Whatever a rule leaves out has its reason here. */
export default [
  {
    files: ['**/*.graphql'],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: './schema.graphql' } },
    },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      '@graphql-eslint/strict-id-in-types': [
        'error',
        { exceptions: { types: VALUES, suffixes: VALUE_SUFFIXES } },
      ],
      // Its option for lists asks that every list be one of edges. Pages by offset, which the contract names, lists of
      // numbers and of words, and `nodes`, GitHub's shorthand beside `edges`, are none.
      '@graphql-eslint/relay-edge-types': [
        'error',
        { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false },
      ],
    },
  },
]
