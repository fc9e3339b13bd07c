/**
 * Text of whomever as it may stand on a line of a terminal: no control character moves the cursor, no line break begins
 * another line, and nothing turns the direction of what comes after. What joins emoji stays.
 */
export const visible = (text: string): string => withoutControls(text.replaceAll(/\s+/g, ' '))

/** One line with its blanks and tabs as they are. */
export const visibleLine = (line: string): string =>
  withoutControlsButTabs(line.replaceAll(/[\r\n\u2028\u2029]+/g, ' '))

/** Text of several lines, in which only line breaks and tabs are left of what a terminal acts on. */
export const visibleText = (text: string): string => text.split('\n').map(withoutControlsButTabs).join('\n')

const withoutControls = (text: string) => text.replaceAll(/(?!\u200D)[\p{Cc}\p{Cf}]/gu, '\uFFFD')
const withoutControlsButTabs = (line: string) => line.split('\t').map(withoutControls).join('\t')

/** Whether a text has a character that a terminal acts on, or that turns the direction of what comes after. */
export const hasControls = (text: string): boolean => withoutControls(text) !== text
