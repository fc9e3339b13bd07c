import pg from 'pg'

/**
 * A database of a measurement's own, empty, on the bench's Postgres. It is dropped when `work` is done, and what an
 * earlier run has left of it before that.
 * @template T
 * @param {string} serverUrl
 * @param {string} name lower case letters, digits and underscores
 * @param {(url: string) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withOwnDatabase(serverUrl, name, work) {
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  const drop = `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`
  await asAdmin(serverUrl, drop, `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`)
  try {
    return await work(url.href)
  } finally {
    await asAdmin(serverUrl, drop)
  }
}

async function asAdmin(serverUrl, ...statements) {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}
