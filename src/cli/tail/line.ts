import { styleText } from 'node:util'
import truncatedWidth from 'fast-string-truncated-width'
import { type ConnectionLog, type ConnectionStatus, statusOf } from '../../connections/event.ts'
import { formatInstant } from '../../kernel/instant.ts'
import { visible } from '../../kernel/visible.ts'

export interface LineStyle {
  /** Columns of the terminal; undefined for as long a line as it takes. */
  readonly columns: number | undefined
  readonly isColoured: boolean
}

/** By outcome; a disconnect is neither a success nor a failure. */
const COLOURS = { success: 'green', failed: 'red', none: 'yellow' } as const satisfies Record<
  ConnectionStatus | 'none',
  string
>

/** Most platforms and all event types are no wider. */
const PLATFORM_WIDTH = 9
const EVENT_TYPE_WIDTH = 17

type Part = readonly [text: string, style?: 'dim' | (typeof COLOURS)[keyof typeof COLOURS]]

/** A log as people read it: one line, which begins with the instant in UTC. Nothing in it can move the cursor. */
export function lineOf(log: ConnectionLog, { columns, isColoured }: LineStyle): string {
  const { createdAt, platform, eventType } = log
  const error = errorOf(log)
  const parts: Part[] = [
    [formatInstant(createdAt).replace(/\.\d+/, ''), 'dim'],
    [platform.padEnd(PLATFORM_WIDTH)],
    [eventType.padEnd(EVENT_TYPE_WIDTH), COLOURS[statusOf(eventType) ?? 'none']],
    [whoOf(log)],
    ...(error === '' ? [] : [[error] as const]),
  ]
  const shown = cutTo(columns, parts)
  return shown.map(([text, style]) => (style && isColoured ? coloured(style, text) : text)).join(' ')
}

/** Whether to colour is decided here, not by Node, which would ask the process. */
const coloured = (style: NonNullable<Part[1]>, text: string) =>
  styleText(style, text, { validateStream: false })

function whoOf({ userId, accountId, profileId, success }: ConnectionLog): string {
  const name = success?.username ?? success?.displayName
  const ids = [
    userId === null ? 'no user' : `user ${userId}`,
    ...(accountId === null ? [] : [`account ${accountId}`]),
    ...(profileId === null ? [] : [`profile ${profileId}`]),
  ]
  return visible(`${ids.join(', ')}${name === undefined ? '' : ` (${name})`}`)
}

function errorOf({ error }: ConnectionLog): string {
  return visible([error?.code, error?.message].filter((text) => text !== undefined).join(': '))
}

/** The parts as far as there is room for them, an ellipsis in the place of the rest. */
function cutTo(columns: number | undefined, parts: readonly Part[]): readonly Part[] {
  if (columns === undefined) return parts
  const shown: Part[] = []
  let room = columns
  for (const [index, [text, style]] of parts.entries()) {
    // What comes after has at least its space and one column.
    const isLast = index === parts.length - 1
    const whole = truncatedWidth(text).width
    if (whole <= (isLast ? room : room - 2)) {
      shown.push(style ? [text, style] : [text])
      room -= whole + 1
      continue
    }
    const { index: end } = truncatedWidth(text, { limit: room - 1 })
    shown.push(style ? [`${text.slice(0, end)}…`, style] : [`${text.slice(0, end)}…`])
    break
  }
  return shown
}
