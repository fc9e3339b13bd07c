import { type DocumentNode, Kind, OperationTypeNode, type ValueNode, visit } from 'graphql'
import { AppError } from '../kernel/errors.ts'
import { MAX_MEMBERS, MAX_TEXT_LENGTH, type OnStep, uncounted } from './limits.ts'

/**
 * Holds texts and lists that stand in a document against what they may have at most. What a mutation records may be
 * long; the body it comes in has an end, and so has each of its fields.
 * @throws {AppError} BAD_USER_INPUT
 */
export function checkLiterals(document: DocumentNode, onStep: OnStep = uncounted): void {
  const check = (node: ValueNode, at: string): void => {
    onStep()
    if (node.kind === Kind.STRING) checkLength(node.value, at)
    if (node.kind === Kind.LIST) {
      checkMembers(node.values.length, at)
      node.values.forEach((value, index) => check(value, `${at}[${index}]`))
    }
    if (node.kind === Kind.OBJECT) {
      checkMembers(node.fields.length, at)
      for (const { name, value } of node.fields) check(value, `${at}.${name.value}`)
    }
  }
  visit(document, {
    enter: (node) => {
      onStep()
      if (node.kind === Kind.OPERATION_DEFINITION && node.operation === OperationTypeNode.MUTATION)
        return false
      if (node.kind === Kind.ARGUMENT) check(node.value, node.name.value)
      else if (node.kind === Kind.VARIABLE_DEFINITION) {
        if (node.defaultValue) check(node.defaultValue, node.variable.name.value)
      } else return undefined
      return false
    },
  })
}

/** No name of a field is as long, and no key of JSON that may be stored. GraphQL compares an unknown name with all that there are. */
const MAX_KEY_LENGTH = 16_384

/** Holds the names of fields in variables against what they may have at most. @throws {AppError} BAD_USER_INPUT */
export function checkKeys(variables: unknown): void {
  if (typeof variables !== 'object' || variables === null) return
  if (!Array.isArray(variables))
    for (const { length } of Object.keys(variables)) {
      if (length <= MAX_KEY_LENGTH) continue
      const sentence = `Expected each name of a field in \`variables\` to have at most ${MAX_KEY_LENGTH} characters, got ${length}.`
      throw new AppError('BAD_USER_INPUT', sentence)
    }
  for (const value of Object.values(variables)) checkKeys(value)
}

/** The same for the values of the variables of a query. @throws {AppError} BAD_USER_INPUT */
export function checkVariables(variables: object, at = ''): void {
  const isList = Array.isArray(variables)
  const names = Object.keys(variables)
  checkMembers(names.length, at === '' ? 'variables' : at)
  for (const name of names) {
    const value = (variables as Readonly<Record<string, unknown>>)[name]
    const isText = typeof value === 'string'
    // Most values are short, and need no name.
    if (isText ? value.length <= MAX_TEXT_LENGTH : typeof value !== 'object' || value === null) continue
    const path = isList ? `${at}[${name}]` : at === '' ? name : `${at}.${name}`
    if (isText) checkLength(value, path)
    else checkVariables(value as object, path)
  }
}

function checkLength({ length }: string, at: string): void {
  if (length <= MAX_TEXT_LENGTH) return
  const sentence = `Expected \`${at}\` to have at most ${MAX_TEXT_LENGTH} characters, got ${length}.`
  throw new AppError('BAD_USER_INPUT', sentence)
}

function checkMembers(length: number, at: string): void {
  if (length <= MAX_MEMBERS) return
  const sentence = `Expected \`${at}\` to have at most ${MAX_MEMBERS} values, got ${length}.`
  throw new AppError('BAD_USER_INPUT', sentence)
}
