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
export function settingsHelp(columns: number): string {
  return Object.entries(SETTINGS)
    .map(([name, { default: byDefault, description }]) => {
      const plain = description.replaceAll('`', '')
      return `  ${name}\n${wrap(`${plain} (default: ${byDefault})`, columns - 6).replaceAll(/^/gm, '      ')}`
    })
    .join('\n')
}

/** Breaks lines between words only. */
const wrap = (text: string, columns: number): string =>
  text.replaceAll(new RegExp(`(.{1,${Math.max(columns, 20)}})(?: +|$)`, 'g'), '$1\n').trimEnd()
