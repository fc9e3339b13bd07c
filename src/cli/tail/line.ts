import { styleText } from 'node:util'
import stringWidth from 'string-width'
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
  for (const [index, part] of parts.entries()) {
    const [text, style] = part
    const width = stringWidth(text)
    // What comes after has a space and one column at least.
    if (width > (index === parts.length - 1 ? room : room - 2)) {
      const cut = `${beginning(text, room - 1)}…`
      shown.push(style ? [cut, style] : [cut])
      break
    }
    shown.push(part)
    room -= width + 1
  }
  return shown
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** As much of a text as has room in so many columns; no character is parted. */
function beginning(text: string, columns: number): string {
  let room = columns
  for (const { segment, index } of graphemes.segment(text)) {
    room -= stringWidth(segment)
    if (room < 0) return text.slice(0, index)
  }
  return text
}
