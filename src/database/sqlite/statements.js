// @ts-check
// JavaScript, since threads run it as it stands: Node 20 can start no thread from TypeScript.

/**
 * @typedef {null | number | bigint | string | Uint8Array} Value
 * @typedef {{ name: string, type: string | null }} Column `type` is what the table declares, null for an expression
 * @typedef {{ rows: unknown[][], columns: Column[] }} Result
 * @typedef {import('@photostructure/sqlite').DatabaseSyncInstance} Db
 * @typedef {{ statement: import('@photostructure/sqlite').StatementSyncInstance, columns?: Column[] }} Prepared
 */

/** The function of SQL that ends a statement whose caller has gone; every connection has it. */
export const IS_RUNNING = 'is_running'

const MAX_PREPARED_STATEMENTS = 200

/**
 * Statements on one connection, prepared once. Synchronous, as the driver is, and failing as it fails.
 * @param {Db} db
 */
export function createStatements(db) {
  /** @type {Map<string, Prepared>} */
  const prepared = new Map() // oldest use first
  /** @type {unknown} */
  let knownSchema

  // Prepared at their first use, which whoever asks repeats while another process holds the lock.
  const schemaVersion = once(() => db.prepare('PRAGMA schema_version', { returnArrays: true }))
  const totalChanges = once(() => db.prepare('SELECT total_changes()', { returnArrays: true }))

  // A statement sees a changed schema by itself, but its list of columns, costly to read, is kept by us.
  function forgetStaleColumns() {
    const version = firstCell(schemaVersion().get())
    if (version !== knownSchema) prepared.clear()
    knownSchema = version
  }

  /** @param {string} sql */
  function prepare(sql) {
    forgetStaleColumns()
    const known = prepared.get(sql)
    prepared.delete(sql)
    const entry = known ?? { statement: db.prepare(sql, { returnArrays: true, readBigInts: true }) }
    prepared.set(sql, entry)
    const oldest = prepared.keys().next()
    if (prepared.size > MAX_PREPARED_STATEMENTS && !oldest.done) prepared.delete(oldest.value)
    return entry
  }

  return {
    /**
     * Runs one statement and returns its rows, each an array of cells, every integer a bigint.
     * @param {string} sql
     * @param {readonly Value[]} values
     * @returns {Result}
     */
    all(sql, values) {
      /** @type {Prepared} */
      const entry = prepare(sql)
      const rows = /** @type {unknown[][]} */ (entry.statement.all(...values))
      // Only now: until it has run, a statement may be prepared for the schema of some time ago.
      entry.columns ??= entry.statement.columns().map(({ name, type }) => ({ name, type }))
      return { rows, columns: entry.columns }
    },

    /**
     * Runs one statement and returns how many rows it inserted, changed or deleted.
     * @param {string} sql
     * @param {readonly Value[]} values
     * @param {boolean} changesRows whether it is an INSERT, UPDATE, DELETE or REPLACE: for all else SQLite goes on
     *   reporting the count of the last one that was
     */
    run(sql, values, changesRows) {
      const { statement } = prepare(sql)
      if (changesRows) return toNumber(statement.run(...values).changes)
      const before = firstCell(totalChanges().get())
      const { changes } = statement.run(...values)
      return firstCell(totalChanges().get()) === before ? 0 : toNumber(changes)
    },

    /**
     * Runs statements separated by semicolons.
     * @param {string} sql
     */
    exec(sql) {
      db.exec(sql)
    },

    /** Whether a transaction is open; false on a connection that is closed. */
    isTransaction() {
      return db.isOpen && db.isTransaction
    },

    /** Closes the connection. May be called more than once. */
    close() {
      // The driver frees a prepared statement when it is garbage-collected, not before.
      prepared.clear()
      if (db.isOpen) db.close()
    },
  }
}

/**
 * Typed as a number, but a bigint from a statement that reads integers as such.
 * @param {number | bigint} changes
 */
function toNumber(changes) {
  return Number(changes)
}

/**
 * @template T
 * @param {() => T} make
 * @returns {() => T}
 */
function once(make) {
  /** @type {T | undefined} */
  let made
  return () => (made ??= make())
}

/** @param {unknown} row */
function firstCell(row) {
  return Array.isArray(row) ? /** @type {unknown} */ (row[0]) : undefined
}
