import { styleText } from 'node:util'
import stringWidth from 'string-width'
import {
  type ConnectionLog,
  type ConnectionStatus,
  EVENT_TYPES_OF_STATUS,
  PLATFORMS,
  statusOf,
} from '../../connections/event.ts'
import { formatInstant } from '../../kernel/instant.ts'
import { visible } from '../../kernel/visible.ts'
import { fitEnd, fitStart, padColumns } from '../columns.ts'

export interface LineStyle {
  /** Columns of the terminal; undefined for as long a line as it takes. */
  readonly columns: number | undefined
  readonly isColoured: boolean
}

type Outcome = ConnectionStatus | 'none'
type Style = 'dim' | 'green' | 'red' | 'yellow'
type Part = readonly [text: string, style?: Style]

/** A disconnect is neither a success nor a failure. */
const STYLES = { success: 'green', failed: 'red', none: 'yellow' } as const satisfies Record<Outcome, Style>
const MARKS = { success: '✓', failed: '✗', none: '-' } as const satisfies Record<Outcome, string>

const widest = (words: readonly string[]) => Math.max(...words.map((word) => word.length))
const PLATFORM_WIDTH = widest(PLATFORMS)
/** Only failures have a code behind them. */
const EVENT_TYPE_WIDTH = widest(EVENT_TYPES_OF_STATUS.failed)

/** A terminal this wide has room for the date next to everything else. */
const DATE_FROM_COLUMNS = 110

/** What an id is cut to: its last characters, since the first ones are often the same. */
const SHORT_ACCOUNT_WIDTH = 7
const SHORT_ID_WIDTH = 5

/** The message keeps this much before an id is shown next to it; whole ids leave it more. */
const MIN_MESSAGE_WIDTH = 10
const MESSAGE_WIDTH_NEXT_TO_WHOLE_IDS = 40

export const showsDate = (columns: number | undefined): boolean =>
  columns === undefined || columns >= DATE_FROM_COLUMNS

/**
 * A log as people read it: one line, in UTC. What went wrong comes first, so that a narrow terminal cuts the ids and not
 * the error. Nothing in it can move the cursor.
 */
export function lineOf(log: ConnectionLog, { columns, isColoured }: LineStyle): string {
  const { createdAt, platform, eventType, error } = log
  const outcome = statusOf(eventType) ?? 'none'
  const instant = formatInstant(createdAt)
  const head: Part[] = [
    [showsDate(columns) ? `${instant.slice(0, 19)}Z` : instant.slice(11, 19), 'dim'],
    [padColumns(visible(platform), PLATFORM_WIDTH)],
    [`${MARKS[outcome]} ${padColumns(eventType, EVENT_TYPE_WIDTH)}`, STYLES[outcome]],
    ...(error?.code === undefined ? [] : [[visible(error.code), STYLES[outcome]] as const]),
  ]
  const { shown, room } = takeParts(head, columns ?? Infinity)
  const rest = room === undefined ? '' : restOf(log, room)
  return [...shown, ...(rest === '' ? [] : [[rest] as const])]
    .map(([text, style]) => (style && isColoured ? coloured(style, text) : text))
    .join(' ')
    .trimEnd()
}

/** Whether to colour is decided here, not by Node, which would ask the process. */
const coloured = (style: Style, text: string) => styleText(style, text, { validateStream: false })

/** The parts that fit; the last of them is cut if needed. `room` is what is left for more, absent if nothing is. */
function takeParts(
  parts: readonly Part[],
  columns: number,
): { readonly shown: readonly Part[]; readonly room?: number } {
  const shown: Part[] = []
  let room = columns
  for (const part of parts) {
    const [text, style] = part
    const width = stringWidth(text)
    if (width + 1 >= room) {
      const fitted = fitStart(text.trimEnd(), room)
      return { shown: [...shown, style ? [fitted, style] : [fitted]] }
    }
    shown.push(part)
    room -= width + 1
  }
  return { shown, room }
}

/** The message and the ids, in so many columns. */
function restOf(log: ConnectionLog, room: number): string {
  const message = visible(log.error?.message ?? log.success?.username ?? log.success?.displayName ?? '')
  const width = stringWidth(message)
  const roomNextTo = (ids: readonly string[]) => room - stringWidth(ids.join(''))
  const line = (ids: readonly string[]) => fitStart(message, roomNextTo(ids)) + ids.join('')

  const whole = idsOf(log, (id) => id)
  if (roomNextTo(whole) >= Math.min(width, MESSAGE_WIDTH_NEXT_TO_WHOLE_IDS)) return line(whole)
  const ids = idsOf(log, fitEnd)
  while (ids.length > 0 && roomNextTo(ids) < Math.min(width, MIN_MESSAGE_WIDTH)) ids.pop()
  return line(ids)
}

function idsOf(
  { accountId, userId, profileId }: ConnectionLog,
  shorten: (id: string, columns: number) => string,
): string[] {
  const ids = [
    ['acct', accountId, SHORT_ACCOUNT_WIDTH],
    ['user', userId, SHORT_ID_WIDTH],
    ['profile', profileId, SHORT_ID_WIDTH],
  ] as const
  return ids.flatMap(([label, id, columns]) =>
    id === null ? [] : [`  ${label} ${shorten(visible(id), columns)}`],
  )
}
