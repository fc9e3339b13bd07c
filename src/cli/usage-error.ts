/** What Commander says of a command that it does not understand, as all other sentences are written. */
export function usageSentence(text: string): string {
  const sentence = text
    .trim()
    .replace(/^error: /, '')
    .replaceAll(/'([^']*)'/g, '`$1`')
    .replace(
      /\n\(Did you mean (?:one of )?(.*)\?\)$/s,
      (_, names: string) => ` Did you mean ${quoted(names)}?`,
    )
  const whole = /[.?]$/.test(sentence) ? sentence.replace(/(`) (?=Did you mean)/, '$1. ') : `${sentence}.`
  return `${whole.slice(0, 1).toUpperCase()}${whole.slice(1)}\n`
}

const quoted = (names: string) =>
  names
    .split(', ')
    .map((name) => `\`${name}\``)
    .join(', ')
