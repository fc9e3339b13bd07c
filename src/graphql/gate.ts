import {
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  OperationTypeNode,
  getOperationAST,
  parse,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { createPricing } from './cost.ts'
import { type OnStep, type QueryLimits, uncounted } from './limits.ts'
import { checkStructure, checkSubscriptionRoot } from './structure.ts'
import { checkTokens } from './tokens.ts'
import { checkKeys, checkLiterals, checkVariables } from './values.ts'

/** Longest document that is remembered, in characters, and how many characters of documents are. */
export const MAX_REMEMBERED_DOCUMENT = 16_384
export const MAX_REMEMBERED_LENGTH = 524_288
const MAX_REMEMBERED = 1_000

/** An operation that has passed, the same object for the same document and name as long as it is remembered. */
export interface AdmittedOperation {
  readonly document: DocumentNode
  readonly operation: OperationDefinitionNode
  /**
   * What it costs with these variables, as they were sent.
   * @throws {AppError} TOO_COMPLEX over the limit, BAD_USER_INPUT for texts and lists without an end
   */
  costOf(variables: object): number
}

/**
 * The one place that every GraphQL request passes before anything is validated or executed, whatever its transport and
 * whoever answers it.
 */
export interface Gate {
  /**
   * @returns undefined where there is no such operation, which execution has to say
   * @throws {AppError} TOO_COMPLEX or BAD_USER_INPUT with the limit, what was expected and what came
   */
  admit(text: string, operationName?: string | null): AdmittedOperation | undefined
}

type Named = Map<string | undefined, AdmittedOperation | undefined>

export function createGate(
  schema: GraphQLSchema,
  limits: QueryLimits,
  clock: Pick<Clock, 'now'>,
  onStep: OnStep = uncounted,
): Gate {
  const pricing = createPricing(schema, clock, onStep)
  const known = new LRUCache<string, { readonly document: DocumentNode; readonly named: Named }>({
    max: MAX_REMEMBERED,
    maxSize: MAX_REMEMBERED_LENGTH,
    sizeCalculation: (_, text) => text.length + 1,
  })

  /** What is refused is not remembered: it would take the place of what is asked for every day. */
  function passed(text: string) {
    const before = known.get(text)
    if (before) return before
    checkTokens(text, limits.tokens, onStep)
    const document = documentOf(text)
    if (!document) return undefined
    checkStructure(document, limits.operations, onStep)
    checkLiterals(document, onStep)
    const now = { document, named: new Map() as Named }
    if (text.length <= MAX_REMEMBERED_DOCUMENT) known.set(text, now)
    return now
  }

  function admitted(document: DocumentNode, name: string | undefined): AdmittedOperation | undefined {
    const operation = getOperationAST(document, name)
    if (!operation) return undefined
    if (operation.operation === OperationTypeNode.SUBSCRIPTION)
      checkSubscriptionRoot(document, operation, onStep)
    const points = pricing(document, operation)
    const isQuery = operation.operation !== OperationTypeNode.MUTATION
    return {
      document,
      operation,
      costOf: (variables) => {
        if (isQuery) checkVariables(variables)
        checkKeys(variables)
        const cost = points(variables as Readonly<Record<string, unknown>>)
        if (cost <= limits.cost) return cost
        const sentence = `Expected \`query\` to cost at most ${limits.cost} points, got ${cost}. Ask for fewer fields, or for shorter pages.`
        throw new AppError('TOO_COMPLEX', sentence)
      },
    }
  }

  return {
    admit: (text, operationName) => {
      const found = passed(text)
      if (!found) return undefined
      const name = operationName ?? undefined
      // Names that are not there come without number.
      const before = found.named.get(name)
      if (before) return before
      const operation = admitted(found.document, name)
      if (operation) found.named.set(name, operation)
      return operation
    },
  }
}

/** What is no document is for execution to say. */
function documentOf(text: string): DocumentNode | undefined {
  try {
    return parse(text, { noLocation: true })
  } catch {
    return undefined
  }
}
