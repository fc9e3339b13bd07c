import { gzipSync } from 'node:zlib'

export type Fields = Record<string, unknown>

/** Lines of JSON; a text is a line as it is. */
export const lines = (...values: (object | string)[]) =>
  values.map((value) => `${typeof value === 'string' ? value : JSON.stringify(value)}\n`).join('')

/** Forms in which the same logs are found. */
const upper = (log: Fields): Fields => ({
  __typename: 'ConnectionLog',
  ...Object.fromEntries(
    ['profileId', 'accountId', 'success', 'error', 'durationMs', 'metadata'].map((name) => [name, null]),
  ),
  ...log,
  platform: String(log['platform']).toUpperCase(),
  eventType: String(log['eventType']).toUpperCase(),
  connectionMethod: String(log['connectionMethod']).toUpperCase(),
  status: 'FAILED',
})
export const FORMS: Readonly<Record<string, (logs: readonly Fields[]) => string>> = {
  'a log a line': (logs) => lines(...logs),
  'lines that end with CR and LF, and blank ones': (logs) => lines(...logs).replaceAll('\n', '\r\n \r\n'),
  'lines after a byte order mark each': (logs) => lines(...logs.map((log) => `\ufeff${JSON.stringify(log)}`)),
  'lines without an end of the last one': (logs) => lines(...logs).trimEnd(),
  'logs one after another without a line break': (logs) => logs.map((log) => JSON.stringify(log)).join(''),
  'a sequence of RFC 7464': (logs) => logs.map((log) => `\u001e${JSON.stringify(log)}\n`).join(''),
  'logs over many lines': (logs) => logs.map((log) => `${JSON.stringify(log, null, 2)}\n`).join(''),
  'a list': (logs) => JSON.stringify(logs),
  'lines that end with a comma': (logs) => logs.map((log) => `${JSON.stringify(log)},\n`).join(''),
  'logs over many lines with commas between them': (logs) =>
    logs.map((log) => JSON.stringify(log, null, 2)).join(',\n'),
  'a list over many lines': (logs) => JSON.stringify(logs, null, '\t'),
  'a page': (logs) => JSON.stringify({ logs, pagination: { total: logs.length } }),
  'a page over many lines': (logs) => JSON.stringify({ logs }, null, 2),
  'a page a line': (logs) => lines({ logs: logs.slice(0, 2) }, { logs: logs.slice(2), pagination: {} }),
  'pages one after another': (logs) =>
    JSON.stringify({ logs: logs.slice(0, 1) }) + JSON.stringify({ logs: logs.slice(1) }),
  'a list of pages': (logs) => JSON.stringify([{ logs: logs.slice(0, 1) }, { logs: logs.slice(1) }], null, 2),
  'a list under `data`': (logs) => JSON.stringify({ data: logs }),
  'an answer of GraphQL': (logs) =>
    JSON.stringify({ data: { viewer: { keyId: 'k' }, connectionLogs: { logs: logs.map(upper) } } }),
  'a connection of GraphQL': (logs) =>
    JSON.stringify({
      data: { all: { edges: logs.map((log) => ({ cursor: 'c', node: upper(log) })), pageInfo: {} } },
    }),
  'nodes of GraphQL': (logs) => JSON.stringify({ data: { all: { nodes: logs.map(upper) } } }),
  'events of GraphQL, one a line': (logs) =>
    lines(...logs.map((log) => ({ data: { connectionLogRecorded: { cursor: 'c', log: upper(log) } } }))),
}

const bigEndian = (text: string) => Buffer.from(text, 'utf16le').swap16()
export const ENCODINGS: Readonly<Record<string, (text: string) => Uint8Array>> = {
  'UTF-8': (text) => Buffer.from(text),
  'UTF-8 with a byte order mark': (text) => Buffer.from(`\ufeff${text}`),
  'UTF-16LE': (text) => Buffer.from(text, 'utf16le'),
  'UTF-16LE with a byte order mark': (text) => Buffer.from(`\ufeff${text}`, 'utf16le'),
  'UTF-16BE': bigEndian,
  'UTF-16BE with a byte order mark': (text) => bigEndian(`\ufeff${text}`),
  gzip: (text) => gzipSync(text),
  'gzip of two members': (text) => Buffer.concat([gzipSync(text.slice(0, 40)), gzipSync(text.slice(40))]),
  'gzip of UTF-16': (text) => gzipSync(Buffer.from(`\ufeff${text}`, 'utf16le')),
}
