import { EventSource } from 'eventsource'

/** Opens a stream that comes back by itself, and goes on where it was. */
export const open = (url: string, key: string, query: string, variables: object) =>
  new EventSource(`${url}?${new URLSearchParams({ query, variables: JSON.stringify(variables) })}`, {
    fetch: (input, init) =>
      fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${key}` } }),
  })
