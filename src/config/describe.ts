import { SETTINGS } from './settings.ts'

/** The settings as a Markdown table; `docs/settings.md` holds it and a test compares the two. */
export function settingsTable(): string {
  const rows = Object.entries(SETTINGS).map(
    ([name, { default: byDefault, expected, description }]) =>
      `| \`${name}\` | ${byDefault} | ${expected} | ${description} |`,
  )
  return ['| setting | default | accepted | what it does |', '|---|---|---|---|', ...rows].join('\n')
}

/** The settings as lines for `--help`. */
export function settingsHelp(): string {
  const width = Math.max(...Object.keys(SETTINGS).map((name) => name.length))
  return Object.entries(SETTINGS)
    .map(([name, { default: byDefault, description }]) => {
      const plain = description.replaceAll('`', '')
      return `  ${name.padEnd(width)}  ${plain} (default: ${byDefault})`
    })
    .join('\n')
}
