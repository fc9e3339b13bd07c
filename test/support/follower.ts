import type { TestApp } from './app.ts'

/** One server-sent event; without an `event` where only an id or a comment came. */
export interface StreamEvent {
  readonly id?: string
  readonly event?: string
  readonly retry?: string
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read any shape of answer
  readonly data?: any
}

/** Reads server-sent events as the standard has them; what is cut off amid an event is dropped. */
export async function* readEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true })
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      yield parseEvent(text.slice(0, end))
      text = text.slice(end + 2)
    }
  }
}

function parseEvent(block: string): StreamEvent {
  const fields = block.split('\n').map((line) => /^(\w*): ?(.*)$/.exec(line))
  const found = Object.fromEntries(fields.map((field) => [field?.[1] || 'comment', field?.[2] ?? '']))
  const { id, event, retry, data } = found
  return {
    ...(id === undefined ? {} : { id }),
    ...(event === undefined ? {} : { event }),
    ...(retry === undefined ? {} : { retry }),
    ...(data === undefined || data === '' ? {} : { data: JSON.parse(data) as unknown }),
  }
}

export interface Follower {
  readonly response: Response
  /** The next event that carries something; undefined at the end. */
  next(): Promise<StreamEvent | undefined>
  /** The next block, be it a heartbeat. */
  nextBlock(): Promise<StreamEvent | undefined>
  /** The account of the next log. */
  nextLog(): Promise<string>
  /** Id of the last block that had one. */
  lastId(): string | undefined
  close(): Promise<void>
}

export interface FollowOptions {
  /** Arguments as they stand in the document. */
  readonly args?: string
  readonly lastEventId?: string | undefined
  readonly method?: 'GET' | 'POST'
}

/** Subscribes in process. The accounts of logs are what tests know them by. */
export async function follow(app: TestApp, key: string, options: FollowOptions = {}): Promise<Follower> {
  const { args = '', lastEventId, method = 'POST' } = options
  const query = `subscription { connectionLogRecorded${args} { cursor log { id accountId } } }`
  const headers: Record<string, string> = { accept: 'text/event-stream', 'content-type': 'application/json' }
  if (lastEventId !== undefined) headers['last-event-id'] = lastEventId
  const response =
    method === 'GET'
      ? await app.send(key, `/graphql?query=${encodeURIComponent(query)}`, { headers })
      : await app.send(key, '/graphql', { method, headers, body: JSON.stringify({ query }) })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let lastId: string | undefined
  async function* chunks() {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  }
  const events = readEvents(chunks())
  const nextBlock = async () => {
    const { done, value } = await events.next()
    if (done) return undefined
    lastId = value.id ?? lastId
    return value
  }
  const next = async () => {
    for (;;) {
      const event = await nextBlock()
      if (event === undefined || event.event !== undefined) return event
    }
  }
  return {
    response,
    next,
    nextBlock,
    nextLog: async () => {
      const event = await next()
      const accountId: unknown = event?.data?.data?.connectionLogRecorded?.log.accountId
      if (typeof accountId !== 'string') throw new TypeError(`no log came but ${JSON.stringify(event)}`)
      return accountId
    },
    lastId: () => lastId,
    close: () => reader.cancel(),
  }
}
