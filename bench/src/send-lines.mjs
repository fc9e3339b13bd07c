import { request } from 'undici'

/**
 * Sends newline-delimited JSON to a connlog service, as a program would, over a connection of its own: one that was kept
 * open while something else was measured may be closed by the service at the moment it is used again.
 * @returns {Promise<{ accepted: number, duplicates: number, rejected: number }>}
 */
export async function sendLines(url, key, lines) {
  const { statusCode, body } = await request(`${url}/api/v1/connections/logs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
    body: lines,
    reset: true,
    headersTimeout: 120_000,
  })
  if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}: ${await body.text()}`)
  return body.json()
}
