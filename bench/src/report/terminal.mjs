/** Rows as a table for a terminal: columns as wide as their widest cell, numbers to the right. */
export function terminalTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  const isNumeric = rows[0].map((_, column) =>
    rows.slice(1).every((row) => /^[≤≥]?\s?[\d–]/.test(row[column])),
  )
  const line = (row) =>
    row
      .map((cell, column) =>
        isNumeric[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column]),
      )
      .join('  ')
      .trimEnd()
  return [
    line(rows[0]),
    widths.map((width) => '─'.repeat(width)).join('  '),
    ...rows.slice(1).map(line),
  ].join('\n')
}
