import { readFileSync, readdirSync } from 'node:fs'

/** The kernel counts CPU time in hundredths of a second on every architecture that Node runs on. */
const MS_PER_TICK = 10

/**
 * CPU time, user and system, that a process and all its descendants have used so far, in milliseconds. The time of a
 * descendant that has ended is kept by the parent that waited for it, so the sum never goes down.
 * @param {number} root process id
 */
export function cpuMs(root) {
  const processes = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? statOf(Number(name)) : []))
  const family = new Set([root])
  // Parents may have higher ids than their children, once ids have wrapped: repeat until nobody is added.
  for (let size = 0; size < family.size;) {
    size = family.size
    for (const { pid, parent } of processes) if (family.has(parent)) family.add(pid)
  }
  const ticks = processes.reduce((sum, { pid, ticks }) => (family.has(pid) ? sum + ticks : sum), 0)
  return ticks * MS_PER_TICK
}

/** @returns one entry, or none if the process has just ended */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name stands in parentheses and may hold any character. See proc(5) for the fields behind it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number)
    return [{ pid, parent: Number(fields[1]), ticks: utime + stime + cutime + cstime }]
  } catch {
    return []
  }
}
