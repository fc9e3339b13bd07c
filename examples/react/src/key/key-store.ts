/** The key in use, and why there is none where one was refused. */
export interface HeldKey {
  readonly key: string | null
  readonly refusal: string | null
}

/** Holds the key for as long as the tab lives: not in the address, not in the build, not for other tabs. */
export interface KeyStore {
  read(): HeldKey
  subscribe(listener: () => void): () => void
  /** @returns why it cannot be a key; null once it is in use */
  take(text: string): string | null
  forget(): void
  /** Forgets the key, since the service has refused it with this sentence. */
  refuse(sentence: string): void
}

const STORED = 'connlog.key'

/** Begins with the key of `#key=…`, which goes from the address at once, or with that of this tab. */
export function createKeyStore(): KeyStore {
  const listeners = new Set<() => void>()
  let held: HeldKey = { key: sessionStorage.getItem(STORED), refusal: null }

  const hold = (key: string | null, refusal: string | null = null) => {
    if (key === null) sessionStorage.removeItem(STORED)
    else sessionStorage.setItem(STORED, key)
    held = { key, refusal }
    for (const listener of listeners) listener()
  }
  const take = (text: string): string | null => {
    const key = text.trim()
    // Anything else could not be sent in a header.
    if (!/^[\x21-\x7e]+$/.test(key)) return 'Expected a key, such as clk_…, without spaces.'
    hold(key)
    return null
  }
  const takeFromAddress = () => {
    const text = new URLSearchParams(location.hash.slice(1)).get('key')
    if (text === null) return
    history.replaceState(history.state, '', location.pathname + location.search)
    take(text)
  }

  takeFromAddress()
  // Typed over the address of the open page, which loads nothing by itself.
  addEventListener('hashchange', takeFromAddress)

  return {
    read: () => held,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    take,
    forget: () => hold(null),
    refuse: (sentence) => hold(null, sentence),
  }
}
