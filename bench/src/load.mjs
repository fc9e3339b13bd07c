import { performance } from 'node:perf_hooks'
import { Pool } from 'undici'

/**
 * @typedef {object} Request
 * @property {'GET' | 'POST'} method
 * @property {string} path
 * @property {Record<string, string>} headers
 * @property {string} [body]
 */

/**
 * Connections to a service that are kept open from the first request to `close`, each with one request under way at a
 * time. Bodies are taken off the wire and thrown away: what they say was compared before.
 * @param {string} url
 * @param {number} connections
 */
export function connectLoad(url, connections) {
  const pool = new Pool(url, { connections, pipelining: 1, headersTimeout: 120_000, bodyTimeout: 120_000 })

  /** @returns {Promise<number>} milliseconds until the last byte was there */
  const time = (request) =>
    new Promise((resolve, reject) => {
      const startedAt = performance.now()
      let status = 0
      let bytes = 0
      pool.dispatch(request, {
        onRequestStart() {},
        onResponseStart(_, statusCode) {
          status = statusCode
        },
        onResponseData(_, chunk) {
          bytes += chunk.length
        },
        onResponseEnd() {
          if (status === 200 && bytes > 0) resolve(performance.now() - startedAt)
          else reject(new Error(`${url} answered ${status} with ${bytes} bytes.`))
        },
        onResponseError: (_, error) => reject(error),
      })
    })

  return {
    time,

    /**
     * Asks over all connections, without a pause, for a while.
     * @param {() => Request} next
     * @param {number} seconds
     */
    async run(next, seconds) {
      const latenciesMs = []
      const startedAt = performance.now()
      const endAt = startedAt + seconds * 1_000
      const ask = async () => {
        while (performance.now() < endAt) latenciesMs.push(await time(next()))
      }
      await Promise.all(Array.from({ length: connections }, ask))
      return { seconds: (performance.now() - startedAt) / 1_000, latenciesMs }
    },

    close: () => pool.close(),
  }
}
