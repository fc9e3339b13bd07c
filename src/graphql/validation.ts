import {
  type ASTNode,
  type ASTVisitor,
  type DocumentNode,
  type GraphQLError,
  Kind,
  isValueNode,
  visit,
} from 'graphql'
import { withMessage } from './errors.ts'

/**
 * GraphQL says of a wrong literal what it is but not where: `Int cannot represent non-integer value: "ten"`. This
 * puts the argument and the input fields around it in front, as in ``Wrong value for `filter.platform`: …``.
 */
export function describeInvalidValues(
  document: DocumentNode,
  errors: readonly GraphQLError[],
): GraphQLError[] {
  const paths = inputPaths(document, new Set(errors.flatMap(({ nodes = [] }) => nodes.slice(0, 1))))
  return errors.map((error) => {
    const [node] = error.nodes ?? []
    const field = node === undefined ? undefined : paths.get(node)
    return field === undefined ? error : withMessage(error, `Wrong value for \`${field}\`: ${error.message}`)
  })
}

/** Takes "Did you mean …?" out, which would tell parts of a schema that may not be asked for. */
export function withoutSuggestions(error: GraphQLError): GraphQLError {
  return withMessage(error, error.message.replace(/ Did you mean .*\?$/, ''))
}

/** `inputs[1].platform` for each node that is the value of that field, found in one walk; none for other nodes. */
function inputPaths(document: DocumentNode, wanted: ReadonlySet<ASTNode>): ReadonlyMap<ASTNode, string> {
  const paths = new Map<ASTNode, string>()
  if (wanted.size === 0) return paths
  const names: string[] = []
  const nameOf = (inner: ASTNode, key: string | number | undefined) => {
    if (inner.kind === Kind.ARGUMENT || inner.kind === Kind.OBJECT_FIELD) return `.${inner.name.value}`
    return isValueNode(inner) && typeof key === 'number' ? `[${key}]` : undefined
  }
  const visitor: ASTVisitor = {
    enter: (inner, key) => {
      const name = nameOf(inner, key)
      if (name !== undefined) names.push(name)
      if (wanted.has(inner) && names[0]?.startsWith('.')) paths.set(inner, names.join('').slice(1))
    },
    leave: (inner, key) => {
      if (nameOf(inner, key) !== undefined) names.pop()
    },
  }
  visit(document, visitor)
  return paths
}
