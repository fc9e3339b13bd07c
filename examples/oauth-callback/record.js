const { CONNLOG_URL = 'http://127.0.0.1:4000', CONNLOG_KEY = '' } = process.env

/**
 * Tells connlog what became of an attempt. Never throws: a log that cannot be stored must not cost the user the login.
 * @param {{ eventId: string, eventType: string, platform: string, [field: string]: unknown }} event `eventId` names
 *   the attempt, so that it is stored once however often it is sent
 */
export async function record(event) {
  try {
    const response = await fetch(`${CONNLOG_URL}/api/v1/connections/logs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${CONNLOG_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ connectionMethod: 'oauth', ...event }),
      signal: AbortSignal.timeout(2_000),
    })
    if (!response.ok) console.error(`Not recorded: ${response.status} ${await response.text()}`)
  } catch (error) {
    console.error(`Not recorded: ${String(error)}`)
  }
}
