import type { GraphQLSchema } from 'graphql'
import { type AdmittedOperation, type Gate, createGate } from '../../src/graphql/gate.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'

/** The settings' own limits. */
export const LIMITS = { tokens: 4_000, cost: 20_000, operations: 10 } as const

/** A gate with the limits of the settings, which does not tell why something does not pass. */
export function quietGate(schema: GraphQLSchema): Gate {
  const gate = createGate(schema, LIMITS, systemClock)
  return {
    admit: (text, name): AdmittedOperation | undefined => {
      try {
        return gate.admit(text, name)
      } catch (error) {
        if (error instanceof AppError) return undefined
        throw error
      }
    },
  }
}
