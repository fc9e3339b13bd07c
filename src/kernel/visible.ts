/**
 * Text of whomever as it may stand on a line of a terminal: no control character moves the cursor, no line break begins
 * another line, and nothing turns the direction of what comes after. What joins emoji stays.
 */
export const visible = (text: string): string =>
  text.replaceAll(/\s+/g, ' ').replaceAll(/(?!\u200D)[\p{Cc}\p{Cf}]/gu, '\uFFFD')
