/**
 * A whole number as people and programs write it in an address, an option or a setting: decimal digits, without a sign,
 * blanks or leading zeros.
 * @returns undefined for any other text, and for numbers of more than 15 digits, not all of which JavaScript can tell apart
 */
export const wholeNumberIn = (text: string): number | undefined =>
  /^(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text) : undefined
