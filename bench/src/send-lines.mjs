/**
 * Sends newline-delimited JSON to a connlog service, as a program would.
 * @returns {Promise<{ accepted: number, duplicates: number, rejected: number }>}
 */
export async function sendLines(url, key, lines) {
  const response = await fetch(`${url}/api/v1/connections/logs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
    body: lines,
  })
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return response.json()
}
