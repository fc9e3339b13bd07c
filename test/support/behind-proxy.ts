import { createTestDatabase } from './databases.ts'
import { startTcpProxy } from './tcp-proxy.ts'

/** A new Postgres database, and the address of a proxy on the way to it. @param undo is told how to take both away */
export async function postgresBehindProxy(undo: (...steps: (() => unknown)[]) => void) {
  const database = await createTestDatabase('postgres')
  undo(database.drop)
  const proxy = await startTcpProxy(Number(new URL(database.url).port))
  undo(proxy.stop)
  const behind = new URL(database.url)
  behind.port = String(proxy.port)
  return { database, proxy, url: behind.href }
}
