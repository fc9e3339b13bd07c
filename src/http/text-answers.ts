import { Response as FastResponse } from '@whatwg-node/fetch'
import {
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  OperationTypeNode,
  getArgumentValues,
  getVariableValues,
  specifiedRules,
  validate,
  visit,
} from 'graphql'
import type { Context } from '../graphql/context.ts'
import { type AdmittedOperation, MAX_REMEMBERED_DOCUMENT } from '../graphql/gate.ts'
import { type TextPlan, planText } from '../graphql/text-plan.ts'
import { PIECE_LENGTH } from '../kernel/bounded-json.ts'
import { AppError } from '../kernel/errors.ts'
import type { YieldIfLong } from '../kernel/yield-if-long.ts'
import { type Acceptable, contentTypeOf } from './media-type.ts'
import { responseTooLarge } from './response-size.ts'
import { sized, textResponse } from './text-body.ts'

/**
 * Answers a request without executing it. It rejects only an answer that is too large, with TOO_COMPLEX.
 * @returns undefined where the request has to be executed, and a failure to read the page where execution has to tell
 *   of it: to ask a database that does not answer a second time would double the wait
 */
export type TextAnswers = (
  acceptable: Acceptable,
  admitted: AdmittedOperation,
  asked: Asked,
  context: Context,
) => Promise<{ readonly response: Response } | { readonly failure: unknown } | undefined>

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
  maxResponseBytes,
  yieldIfLong,
}: {
  schema: GraphQLSchema
  introspection: boolean
  maxResponseBytes: number
  yieldIfLong: YieldIfLong
}): TextAnswers {
  const rules = introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule]
  // As long as the gate remembers the operation.
  const known = new WeakMap<AdmittedOperation, Planned | 'executed'>()

  function plannedFor(admitted: AdmittedOperation): Planned | undefined {
    let planned = known.get(admitted)
    if (planned === undefined) {
      planned = prepare(schema, rules, admitted) ?? 'executed'
      known.set(admitted, planned)
    }
    return planned === 'executed' ? undefined : planned
  }

  return async (acceptable, admitted, { query, variables, told }, context) => {
    if (acceptable.json === undefined || query.length > MAX_REMEMBERED_DOCUMENT) return undefined
    try {
      const planned = plannedFor(admitted)
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
      const text = telling(plan.write(read.page), told)
      const init = { status: 200, headers: { 'Content-Type': contentTypeOf(acceptable) } }
      if (text.length <= Math.min(PIECE_LENGTH, maxResponseBytes / MAX_UNIT_BYTES))
        return { response: new FastResponse(text, init) }
      await yieldIfLong()
      const long = sized(text)
      if (long.bytes > maxResponseBytes) throw responseTooLarge(maxResponseBytes)
      return { response: textResponse(long, { ...init, yieldIfLong }) }
    } catch (error) {
      if (error instanceof AppError && error.code === 'TOO_COMPLEX') throw error
      return undefined
    }
  }
}

/** What was asked for, and what to tell beside the answer. */
export interface Asked {
  readonly query: string
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined
  readonly told?: object | undefined
}

/** A valid operation, and its plans by what @skip and @include come to. */
interface Planned {
  readonly variables: NonNullable<OperationDefinitionNode['variableDefinitions']>
  planFor(variables: Readonly<Record<string, unknown>>): TextPlan | undefined
}

function prepare(
  schema: GraphQLSchema,
  rules: Parameters<typeof validate>[2],
  { document, operation }: AdmittedOperation,
): Planned | undefined {
  if (operation.operation !== OperationTypeNode.QUERY || validate(schema, document, rules).length > 0)
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

const telling = (answer: string, told: object | undefined): string =>
  told ? `${answer.slice(0, -1)},"extensions":${JSON.stringify(told)}}` : answer

/** Most bytes of a UTF-16 code unit in UTF-8. */
const MAX_UNIT_BYTES = 3
