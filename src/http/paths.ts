import { withoutBasePath } from './request-target.ts'

export const GRAPHQL_PATH = '/graphql'
export const GRAPHIQL_ASSETS_PATH = '/graphiql'
export const KEY_EXCHANGE_PATH = `${GRAPHIQL_ASSETS_PATH}/key`

/** With or without a slash at its end, GraphQL's path is the same; other paths are what they are. */
export function routedPath(sent: string, basePath: string): string {
  const path = withoutBasePath(sent, basePath)
  return path === `${GRAPHQL_PATH}/` ? GRAPHQL_PATH : path
}
