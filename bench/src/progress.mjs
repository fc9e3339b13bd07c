/**
 * Says how far a long piece of work has come: on one line that is written over on a terminal, nowhere else.
 * @param {string} what
 * @param {number} total
 */
export function startProgress(what, total) {
  const startedAt = Date.now()
  let done = 0
  const write = (text) => process.stderr.isTTY && process.stderr.write(`\r\u001b[K${text}`)
  return {
    add(count) {
      done += count
      const seconds = (Date.now() - startedAt) / 1000
      const rate = done / seconds
      const left = Math.max(0, Math.ceil((total - done) / rate))
      write(
        `${what}: ${Math.floor((100 * done) / total)} % · ${Math.round(rate).toLocaleString('en')} a second · ${left} s left`,
      )
    },
    /** @returns how long it took, in seconds */
    end() {
      write('')
      return (Date.now() - startedAt) / 1000
    },
  }
}
