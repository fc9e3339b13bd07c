import { printSorted } from '../graphql/print.ts'
import { createSchema } from '../schema.ts'
import type { Terminal } from './terminal.ts'

/** `connlog schema`: prints the GraphQL schema of this version. */
export const printSchema = ({ stdout }: Terminal): void => void stdout.write(printSorted(createSchema()))
