import type { ConnectionLog } from './event.ts'
import { MAX_MESSAGE_LENGTH, MAX_PICTURE_LENGTH } from './input.ts'
import { redactRawResponse, redactUpTo } from './redact.ts'
import { redactJson } from './redact-json.ts'

/**
 * A stored log as today's rules would keep it. Logs are not rewritten when the rules change, so what an earlier version
 * stored is compared with a repetition of it in this form.
 */
export function redactLog(log: ConnectionLog): ConnectionLog {
  const { success, error, metadata } = log
  return {
    ...log,
    success: success && {
      ...success,
      ...mapped('profilePicture', success.profilePicture, (text) => redactUpTo(text, MAX_PICTURE_LENGTH)),
    },
    error: error && {
      ...error,
      ...mapped('message', error.message, (text) => redactUpTo(text, MAX_MESSAGE_LENGTH)),
      ...mapped('rawResponse', error.rawResponse, redactRawResponse),
    },
    metadata: metadata && redactJson(metadata),
  }
}

const mapped = <K extends string>(key: K, text: string | undefined, map: (text: string) => string) =>
  (text === undefined ? {} : { [key]: map(text) }) as { [key in K]?: string }
