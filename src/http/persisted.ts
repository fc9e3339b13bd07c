import { readFile } from 'node:fs/promises'
import { type GraphQLSchema, Kind, parse, validate } from 'graphql'
import type { GraphQLParams } from 'graphql-yoga'
import { z } from 'zod'
import type { Gate } from '../graphql/gate.ts'
import { AppError, show } from '../kernel/errors.ts'

/** A request as it came: with a document, with the id of a listed one, or both. */
export type AskedFor = Omit<GraphQLParams, 'query'> & {
  readonly query?: string | null | undefined
  readonly documentId?: string | null | undefined
}

/**
 * Puts the document in the place of its id.
 * @throws {AppError} NOT_FOUND for an id that is not listed, FORBIDDEN for a document that is not where only listed ones
 *   may be asked for
 */
export type DocumentFinder = (asked: AskedFor) => GraphQLParams

/** Documents by the ids that clients know them by. */
export type ListedDocuments = ReadonlyMap<string, string>

const listSchema = z.record(z.string().min(1).max(256), z.string())

/**
 * Reads the list of documents that a frontend's build has written, such as `persisted-documents.json` of GraphQL Code
 * Generator: an object of documents by their ids.
 * @returns a sentence for the operator where the file cannot be used
 */
export async function readListedDocuments(path: string): Promise<ListedDocuments | string> {
  const expected = 'Expected `PERSISTED_OPERATIONS` to name a JSON file of GraphQL documents by their ids'
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error'
    return `${expected}, got ${code} for ${JSON.stringify(path)}.`
  }
  try {
    return new Map(Object.entries(listSchema.parse(JSON.parse(text))))
  } catch {
    return `${expected}, got something else in ${JSON.stringify(path)}.`
  }
}

/** What is wrong with the listed documents, one sentence each: what no client could ask for must not be listed. */
export function complaintsAbout(listed: ListedDocuments, schema: GraphQLSchema, gate: Gate): string[] {
  return [...listed].flatMap(([id, text]) => {
    const [complaint] = complaintsOf(text, schema, gate)
    return complaint === undefined
      ? []
      : [`Expected the document ${JSON.stringify(id)} of \`PERSISTED_OPERATIONS\` to be usable: ${complaint}`]
  })
}

/** The names of the operations in documents that are usable. */
export const operationNamesIn = (documents: Iterable<string>): string[] =>
  [...documents].flatMap((text) =>
    parse(text).definitions.flatMap((definition) =>
      definition.kind === Kind.OPERATION_DEFINITION && definition.name ? [definition.name.value] : [],
    ),
  )

function complaintsOf(text: string, schema: GraphQLSchema, gate: Gate): string[] {
  try {
    gate.admit(text)
    return validate(schema, parse(text)).map(({ message }) => message)
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

/** GraphQL over HTTP puts this before ids that are hashes, and so do builds; Apollo's clients leave it out. */
const withoutPrefix = (id: string): string => id.replace(/^sha256:/, '')

export function createDocumentFinder(listed: ListedDocuments, isOnlyListed: boolean): DocumentFinder {
  const texts = new Set(listed.values())
  const byId = new Map([...listed].map(([id, text]) => [withoutPrefix(id), text]))

  function documentOf({ query, documentId, extensions }: AskedFor): string {
    if (typeof query === 'string') return query
    const id = documentId ?? hashOf(extensions)
    const found = id === undefined ? undefined : byId.get(withoutPrefix(id))
    if (found !== undefined) return found
    if (typeof documentId === 'string')
      throw new AppError(
        'NOT_FOUND',
        `Expected \`documentId\` to be the id of a listed operation, got ${show(documentId)}.`,
      )
    if (extensions?.['persistedQuery']) throw notPersisted(listed.size > 0)
    throw new AppError(
      'BAD_USER_INPUT',
      'Expected `query` to be the text of a GraphQL document, got nothing.',
    )
  }

  return ({ documentId, query: sent, ...asked }) => {
    const query = documentOf({ documentId, query: sent, ...asked })
    if (isOnlyListed && !texts.has(query))
      throw new AppError('FORBIDDEN', 'Expected `query` to be one of the listed operations, got another one.')
    return { ...asked, query }
  }
}

/**
 * Clients with automatic persisted queries send a hash first, and know by this very message, with HTTP 200 as Apollo
 * Server sends it, that they have to send the query.
 * https://www.apollographql.com/docs/apollo-server/performance/apq
 */
const notPersisted = (isListConfigured: boolean) =>
  isListConfigured
    ? new AppError('NOT_FOUND', 'PersistedQueryNotFound', { status: 200 })
    : new AppError('BAD_USER_INPUT', 'PersistedQueryNotSupported', { status: 200 })

/** The id as Apollo's clients send it. */
function hashOf(extensions: GraphQLParams['extensions']): string | undefined {
  const persisted = extensions?.['persistedQuery'] as unknown
  if (typeof persisted !== 'object' || persisted === null) return undefined
  const hash = (persisted as Readonly<Record<string, unknown>>)['sha256Hash']
  return typeof hash === 'string' ? hash : undefined
}
