interface ImportMetaEnv {
  /** Where connlog's GraphQL is, for a page of another origin; connlog lists that in `CORS_ORIGINS`. */
  readonly VITE_GRAPHQL_URL?: string
}
