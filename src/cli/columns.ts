import stringWidth from 'string-width'

/** Columns of a terminal: a wide character takes two of them, and what joins another one none. */

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

export const padColumns = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - stringWidth(text)))

/** As much of the beginning of a text as has room, with an ellipsis where it was cut. No character is split. */
export function fitStart(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text
  let room = columns - 1
  for (const { segment, index } of graphemes.segment(text)) {
    room -= stringWidth(segment)
    if (room < 0) return `${text.slice(0, index).trimEnd()}…`
  }
  return text
}

/** The same of its end. */
export function fitEnd(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text
  let room = columns - 1
  let end = ''
  for (const { segment } of [...graphemes.segment(text)].toReversed()) {
    room -= stringWidth(segment)
    if (room < 0) break
    end = segment + end
  }
  return `…${end}`
}
