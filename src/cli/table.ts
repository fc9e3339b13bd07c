import stringWidth from 'string-width'
import { visible } from '../kernel/visible.ts'
import { padColumns } from './columns.ts'
import { type Terminal, print } from './terminal.ts'

/** Rows for people, in columns below a header. */
export function printTable(
  terminal: Terminal,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const shown = [header, ...rows.map((row) => row.map(visible))]
  const widths = header.map((_, column) => Math.max(...shown.map((row) => stringWidth(row[column] ?? ''))))
  for (const row of shown)
    print(
      terminal,
      row
        .map((text, column) => padColumns(text, widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}
