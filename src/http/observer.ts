import type { OperationDefinitionNode } from 'graphql'
import type { ErrorCode } from '../kernel/errors.ts'

/** What becomes known of a request while it is answered. Whoever answers it writes it down for the observer. */
export interface Sighting {
  requestId: string
  /** The path as we know it, never as it was sent; undefined where there is nothing. */
  route: string | undefined
  /** The public id of the key that asks. */
  keyId: string | undefined
  /** The user of that key; null for a service key. */
  userId: string | null
  /** Of the error that was answered, the first where there are several. */
  code: ErrorCode | undefined
  /** Whether it lasts for as long as something comes, so that its time says nothing. */
  isStream: boolean
}

/** Who watches requests, for logs, metrics and traces. It changes no answer. */
export interface Observer {
  /** @param path the path that selects the route */
  watch(request: Request, path: string, answer: (seen: Sighting) => Promise<Response>): Promise<Response>
  /** Is told of a request that was refused before anything but its path was looked at, or that could not be read. */
  refused(told: {
    readonly requestId: string
    readonly route: string | undefined
    readonly method: string
    readonly status: number
    readonly code: ErrorCode
  }): void
  /** Watches over the one GraphQL operation of a request, once that has passed the gate. */
  operate(
    seen: Sighting,
    operation: OperationDefinitionNode,
    answer: () => Promise<Response>,
  ): Promise<Response>
}

/** Nobody watches. */
export const UNOBSERVED: Observer = {
  watch: (_, __, answer) =>
    answer({
      requestId: '',
      route: undefined,
      keyId: undefined,
      userId: null,
      code: undefined,
      isStream: false,
    }),
  refused: () => undefined,
  operate: (_, __, answer) => answer(),
}
