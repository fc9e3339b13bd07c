import { z } from 'zod'
import { badInput } from '../kernel/errors.ts'
import { depthOf } from '../kernel/json-text.ts'
import { UnsafeNumber, parseJson } from '../kernel/parse-json.ts'
import { parseInput } from '../kernel/text.ts'
import type { YieldIfLong } from '../kernel/yield-if-long.ts'
import { JSON_LIMITS, parseBody } from './body.ts'
import type { AskedFor } from './persisted.ts'
import { targetOf } from './request-target.ts'

/** An empty text is like nothing at all: clients fill in a form, or build an address, without looking. */
const orNothing = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.nullish())

/** Checked and passed on as it is: copies of a schema's own would lose a key such as `__proto__`. */
const jsonObject = orNothing(
  z.custom<object>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      !(value instanceof UnsafeNumber),
    'an object',
  ),
)

/** Properties that are not named here are ignored, as GraphQL over HTTP demands: clients send their own beside them. */
const requestParameters = z.object(
  {
    query: orNothing(z.string('the text of a GraphQL document')),
    documentId: orNothing(z.string('the id of a listed operation')),
    operationName: orNothing(z.string('the name of an operation')),
    variables: jsonObject,
    extensions: jsonObject,
  },
  'an object with the field query',
)

/**
 * What a GraphQL request asks for, from its body or its address.
 * @throws {AppError} BAD_USER_INPUT or PAYLOAD_TOO_LARGE in the words of the REST side
 */
export async function readParameters(
  request: Request,
  readBody: () => Promise<Uint8Array>,
  yieldIfLong: YieldIfLong,
): Promise<AskedFor> {
  const given =
    request.method === 'POST'
      ? await parseBody(await readBody(), yieldIfLong)
      : readQuery(new URLSearchParams(targetOf(request).query))
  return parseInput(requestParameters, given, '') as AskedFor
}

function readQuery(searchParams: URLSearchParams): unknown {
  const json = (name: string) => {
    const text = searchParams.get(name)
    if (text === null || text === '') return null
    if (depthOf(text) > JSON_LIMITS.maxDepth)
      throw badInput(name, `nested at most ${JSON_LIMITS.maxDepth} deep`, text)
    try {
      return parseJson(text)
    } catch {
      throw badInput(name, 'an object as JSON', text)
    }
  }
  return {
    query: searchParams.get('query'),
    documentId: searchParams.get('documentId'),
    operationName: searchParams.get('operationName'),
    variables: json('variables'),
    extensions: json('extensions'),
  }
}
