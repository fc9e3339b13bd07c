import type { GraphQLParams } from 'graphql-yoga'
import { z } from 'zod'
import { badInput } from '../kernel/errors.ts'
import { parseInput } from '../kernel/text.ts'
import { readJson } from './body.ts'

/** Checked and passed on as it is: copies of a schema's own would lose a key such as `__proto__`. */
const jsonObject = z
  .custom<object>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'an object',
  )
  .nullish()

const requestParameters = z.strictObject(
  {
    query: z.string('the text of a GraphQL document'),
    operationName: z.string('the name of an operation').nullish(),
    variables: jsonObject,
    extensions: jsonObject,
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? 'a GraphQL request to have no fields but query, operationName, variables, extensions'
        : 'an object with the field query',
  },
)

/**
 * What a GraphQL request asks for, from its body or its address.
 * @throws {AppError} BAD_USER_INPUT or PAYLOAD_TOO_LARGE in the words of the REST side
 */
export async function readParameters(request: Request, maxBodyBytes: number): Promise<GraphQLParams> {
  const given =
    request.method === 'POST' ? await readJson(request, maxBodyBytes) : readUrl(new URL(request.url))
  return parseInput(requestParameters, given, '') as GraphQLParams
}

function readUrl({ searchParams }: URL): unknown {
  const json = (name: string) => {
    const text = searchParams.get(name)
    if (text === null || text === '') return null
    try {
      return JSON.parse(text) as unknown
    } catch {
      throw badInput(name, 'an object as JSON', text)
    }
  }
  return {
    query: searchParams.get('query') ?? undefined,
    operationName: searchParams.get('operationName'),
    variables: json('variables'),
    extensions: json('extensions'),
  }
}
