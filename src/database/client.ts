import { translateFailure } from './failures.ts'
import type { ApiKeys, AuditEntries, Database, Models, Queryable, Transaction } from './port.ts'
import type { Sql } from './sql.ts'
import { type Timeouts, timeoutsWithin } from './timeouts.ts'

interface RawClient {
  readonly apiKey: ApiKeys
  readonly auditEntry: AuditEntries
  $queryRaw(statement: Sql): Promise<unknown>
  $executeRaw(statement: Sql): Promise<number>
}

/** What is used of a generated client. Both providers' clients have it; the two are not assignable to each other. */
export interface Client extends RawClient {
  $transaction<T>(
    work: (tx: RawClient) => Promise<T>,
    options: { maxWait: number; timeout: number },
  ): Promise<T>
  $disconnect(): Promise<void>
}

/** A Prisma client as the rest of the program sees it, every failure translated. */
export function overClient(
  client: Client,
  { transactionMs, turnMs }: Pick<Timeouts, 'transactionMs' | 'turnMs'> = timeoutsWithin(),
): Pick<Database, keyof Queryable | keyof Models | 'transaction'> {
  return {
    ...usable(client),
    transaction: (work) =>
      translated(client.$transaction((tx) => work(usable(tx)), { maxWait: turnMs, timeout: transactionMs })),
  }
}

const usable = (client: RawClient): Transaction => ({
  query: <Row>(statement: Sql) => translated(rowsOf(client.$queryRaw(statement) as Promise<Row[]>)),
  execute: (statement) => translated(client.$executeRaw(statement)),
  apiKeys: translatedDelegate(client.apiKey),
  auditEntries: translatedDelegate(client.auditEntry),
})

/**
 * Prisma's promise has an accessor of its own, and V8 keeps whatever an accessor of a single object can see until the next
 * full collection of garbage. What it keeps is the array of rows: it is left empty, or each page would grow old.
 */
async function rowsOf<Row>(kept: Promise<Row[]>): Promise<Row[]> {
  const rows = await kept
  return rows.splice(0)
}

/** @throws {AppError} where the database cannot serve now; else what was thrown */
export async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw translateFailure(error)
  }
}

function translatedDelegate<Delegate extends object>(delegate: Delegate): Delegate {
  return new Proxy(delegate, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver)
      if (typeof method !== 'function') return method
      return (...args: unknown[]) => translated(Promise.resolve(Reflect.apply(method, target, args)))
    },
  })
}
