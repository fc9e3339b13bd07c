import { show } from '../kernel/errors.ts'
import { isPlain } from '../kernel/token-like.ts'

/** What Commander says of a command that it does not understand, as all other sentences are written. */
export function usageSentence(text: string): string {
  const sentence = text
    .trim()
    .replace(/^error: /, '')
    .replaceAll(/'([^']*)'/g, (_, given: string) => shown(given))
    .replace(
      /\n\(Did you mean (?:one of )?(.*)\?\)$/s,
      (_, names: string) => ` Did you mean ${quoted(names)}?`,
    )
  const whole = /[.?]$/.test(sentence) ? sentence.replace(/(`) (?=Did you mean)/, '$1. ') : `${sentence}.`
  return `${whole.slice(0, 1).toUpperCase()}${whole.slice(1)}\n`
}

/** A key that was pasted in the wrong place is not repeated. */
const shown = (given: string) =>
  /^-{1,2}[a-z][\w-]*(?:[, ][^=]*)?$/.test(given) || isPlain(given) ? `\`${given}\`` : show(given)

const quoted = (names: string) =>
  names
    .split(', ')
    .map((name) => `\`${name}\``)
    .join(', ')
