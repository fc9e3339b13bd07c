import type { TypedDocumentString } from './generated/graphql.ts'

/** Where the service is, and the key to ask it with. */
export interface Service {
  readonly url: string
  readonly key: string
}

/**
 * Sends a document and returns its data.
 * @throws {Error} with what the service said, if it did not answer with data
 */
export async function execute<Result, Variables>(
  { url, key }: Service,
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  const response = await fetch(new URL('/graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query: document.toString(), variables }),
  })
  const { data, errors } = (await response.json()) as Answer<Result>
  if (data) return data
  throw new Error(errors?.map(({ message, extensions: { code } }) => `${code}: ${message}`).join('\n'))
}

interface Answer<Result> {
  readonly data?: Result | null
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[]
}
