import { Response } from '@whatwg-node/server'
import {
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  OperationTypeNode,
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  parse,
  specifiedRules,
  validate,
  visit,
} from 'graphql'
import type { GraphQLParams } from 'graphql-yoga'
import { LRUCache } from 'lru-cache'
import type { Context } from '../graphql/context.ts'
import { type TextPlan, planText } from '../graphql/text-plan.ts'

/**
 * Answers a request without executing it. It never rejects.
 * @returns undefined where the request has to be executed, and a failure to read the page where execution has to tell
 *   of it: to ask a database that does not answer a second time would double the wait
 */
export type TextAnswers = (
  request: Request,
  parameters: GraphQLParams,
  context: Context,
) => Promise<{ readonly response: Response } | { readonly failure: unknown } | undefined>

/** Longest document that is planned, in characters, and how many characters of documents are remembered. */
const MAX_DOCUMENT_LENGTH = 16_384
const MAX_REMEMBERED_LENGTH = 524_288
const MAX_REMEMBERED = 1_000
/** Most answers of @skip and @include that are planned for one operation. */
const MAX_VARIANTS = 16

/**
 * Pages of logs as the database writes them: such a request is most of what a service is asked, and to execute it, field
 * by field, costs several times what it costs to read it. What comes out is byte for byte what execution would have
 * answered. Whatever is not plain (other root fields, documents that are not valid, variables that do not fit, errors
 * of any kind) is left to execution, which alone says what is wrong.
 */
export function createTextAnswers({
  schema,
  introspection,
}: {
  schema: GraphQLSchema
  introspection: boolean
}): TextAnswers {
  const rules = introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule]
  const known = new LRUCache<string, Planned | 'executed'>({
    max: MAX_REMEMBERED,
    maxSize: MAX_REMEMBERED_LENGTH,
    sizeCalculation: (_, text) => text.length,
  })

  function plannedFor(text: string, operationName: string | undefined): Planned | undefined {
    // Its length in front keeps a name apart from the text.
    const key = `${operationName?.length ?? ''}:${operationName ?? ''}${text}`
    let planned = known.get(key)
    if (planned === undefined) {
      planned = prepare(schema, rules, text, operationName) ?? 'executed'
      known.set(key, planned)
    }
    return planned === 'executed' ? undefined : planned
  }

  return async (request, { query, operationName, variables }, context) => {
    // Execution refuses HEAD.
    if (request.method === 'HEAD') return undefined
    const type = mediaTypeFor(request.headers.get('accept'))
    if (type === undefined || query === undefined || query.length > MAX_DOCUMENT_LENGTH) return undefined
    try {
      const planned = plannedFor(query, operationName ?? undefined)
      if (!planned) return undefined
      const { coerced } = getVariableValues(schema, planned.variables, variables ?? {})
      const plan = coerced && planned.planFor(coerced)
      if (!plan) return undefined
      const args = getArgumentValues(plan.field, plan.node, coerced)
      const read = await plan.resolve(args, context, plan.shape).then(
        (page) => ({ page }),
        (failure: unknown) => ({ failure }),
      )
      if ('failure' in read) return read
      if (read.page === null) return undefined
      const init = { status: 200, headers: { 'Content-Type': type } }
      return { response: new Response(plan.write(read.page), init) }
    } catch {
      return undefined
    }
  }
}

/** A valid operation, and its plans by what @skip and @include come to. */
interface Planned {
  readonly variables: NonNullable<OperationDefinitionNode['variableDefinitions']>
  planFor(variables: Readonly<Record<string, unknown>>): TextPlan | undefined
}

function prepare(
  schema: GraphQLSchema,
  rules: Parameters<typeof validate>[2],
  text: string,
  operationName: string | undefined,
): Planned | undefined {
  const document = documentOf(text)
  const operation = document && getOperationAST(document, operationName)
  if (
    !operation ||
    operation.operation !== OperationTypeNode.QUERY ||
    validate(schema, document, rules).length > 0
  )
    return undefined
  const conditions = conditionsOf(document)
  const plans = new Map<string, TextPlan | undefined>()
  return {
    variables: operation.variableDefinitions ?? [],
    planFor: (variables) => {
      const variant = conditions.map((name) => Number(variables[name])).join('')
      if (plans.has(variant)) return plans.get(variant)
      if (plans.size === MAX_VARIANTS) return undefined
      const plan = planText(schema, document, operation, variables)
      plans.set(variant, plan)
      return plan
    },
  }
}

/** Reading goes down as deep as brackets do; what is wrong with a document is for execution to say. */
function documentOf(text: string): DocumentNode | undefined {
  try {
    return parse(text, { noLocation: true })
  } catch {
    return undefined
  }
}

/** Names of the variables in the arguments of directives; there are none but @skip and @include that select. */
function conditionsOf(document: DocumentNode): string[] {
  const names = new Set<string>()
  visit(document, {
    Directive: (directive) => {
      for (const { value } of directive.arguments ?? [])
        if (value.kind === Kind.VARIABLE) names.add(value.name.value)
    },
  })
  return [...names]
}

const JSON_TYPE = 'application/json'
const RESPONSE_TYPE = 'application/graphql-response+json'
const ANY_TYPE = new Set(['*/*', 'application/*'])

/** The media type of the answer as Yoga chooses it: the first that is JSON. Undefined where the choice is not plain. */
function mediaTypeFor(accept: string | null): string | undefined {
  const ranges = (accept || '*/*').replaceAll(/\s/g, '').toLowerCase().split(',')
  if (ranges.some((range) => range.includes('charset'))) return undefined
  const types = ranges.map((range) => range.split(';', 1)[0] ?? '')
  const first = types.find((type) => type.includes('*') || type === JSON_TYPE || type === RESPONSE_TYPE)
  if (first === undefined || (first.includes('*') && !ANY_TYPE.has(first))) return undefined
  return `${first === RESPONSE_TYPE ? RESPONSE_TYPE : JSON_TYPE}; charset=utf-8`
}
