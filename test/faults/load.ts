import type { Random } from '../../src/demo/random.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { type Attempt, type Verdict, check } from './history.ts'
import {
  DOORS,
  type Door,
  type Producer,
  type SentEvent,
  createProducer,
  isSingle,
  sentEvent,
} from './producer.ts'
import { readStored } from './stored.ts'

const CLIENTS = 6
const TENANTS = ['tenant-a', 'tenant-b', null]
const LARGEST = 300

/** Clients that send, at random, new events and those of which they do not know what became of them. */
export interface Load {
  /** What the clients know; others may add to it. */
  readonly history: Attempt[]
  /** Sends until it is stopped. */
  start(): void
  /** Sends nothing more, and resolves when what is under way has been answered or cut. */
  stop(): Promise<void>
  /** Holds what lies in the database against what the clients know. */
  verdict(databaseUrl: string): Promise<Verdict>
  /** Sends what is unknown until it is acknowledged, but for some of it. */
  settle(): Promise<void>
  readonly words: ReadonlyMap<string, number>
  /** What was answered with a status of 500 or more. */
  readonly failures: ReadonlySet<string>
  end(): void
}

export interface LoadOptions {
  readonly random: Random
  readonly port: () => number
  readonly key: string
  readonly doors?: readonly Door[]
  readonly withEventIds?: boolean
}

export function createLoad({ random, port, key, doors = DOORS, withEventIds = true }: LoadOptions): Load {
  const history: Attempt[] = []
  const words = new Map<string, number>()
  const failures = new Set<string>()
  const producers = Array.from({ length: CLIENTS }, () =>
    createProducer({ port, key, history, words, failures, withEventIds }),
  )
  let unsettled: SentEvent[][] = []
  let made = 0
  const sending = { isOn: false, done: Promise.resolve() as Promise<unknown> }

  const newEvent = () => sentEvent(random.pick(TENANTS), `e${(made += 1)}`, random.whole(0, 100_000))

  async function send(producer: Producer, door: Door, events: readonly SentEvent[]): Promise<boolean> {
    const { outcomes } = await producer.send(door, events)
    const open = events.filter((_, index) => outcomes[index] === 'unknown')
    // One in five is given up, and may be there or not for ever.
    if (open.length > 0 && random.chance(0.8)) unsettled.push(open)
    return open.length === 0
  }

  /** Some events and a door that takes them. What is sent again goes as it was, in pieces, or with others. */
  function work(): [Door, SentEvent[]] {
    const door = random.pick(doors)
    const again = random.chance(0.4) ? unsettled.pop() : undefined
    if (isSingle(door)) {
      const [first = newEvent(), ...rest] = again ?? []
      if (rest.length > 0) unsettled.push(rest)
      return [door, [first]]
    }
    const events = again?.slice(0, random.whole(1, again.length)) ?? []
    if (again && events.length < again.length) unsettled.push(again.slice(events.length))
    const size = random.chance(0.2) ? random.whole(1, LARGEST) : random.whole(1, 20)
    while (events.length < size) events.push(newEvent())
    return [door, events]
  }

  async function sendOn(producer: Producer): Promise<void> {
    while (sending.isOn) {
      if (!(await send(producer, ...work()))) await systemClock.sleep(random.whole(5, 30))
    }
  }

  return {
    history,
    words,
    failures,
    start: () => {
      sending.isOn = true
      sending.done = Promise.all(producers.map(sendOn))
    },
    stop: async () => {
      sending.isOn = false
      await sending.done
    },
    verdict: async (databaseUrl) => check(history, await readStored(databaseUrl)),
    settle: async () => {
      while (unsettled.length > 0) {
        const todo = unsettled
        unsettled = []
        for (const events of todo) await send(random.pick(producers), 'lines', events)
      }
    },
    end: () => {
      for (const producer of producers) producer.stop()
    },
  }
}
