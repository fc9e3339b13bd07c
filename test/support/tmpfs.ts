import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A small disk in memory. To make one takes Linux and root. */
export interface Tmpfs {
  readonly path: string
  resize(bytes: number): void
  /** In bytes. */
  used(): number
  unmount(): void
}

export function mountTmpfs(bytes: number): Tmpfs {
  const path = mkdtempSync(join(tmpdir(), 'connlog-disk-'))
  mount('-t', 'tmpfs', '-o', `size=${bytes},mode=755`, 'tmpfs', path)
  let isMounted = true
  const unmount = () => {
    if (!isMounted) return
    isMounted = false
    process.off('exit', unmount)
    // Lazily, so that it goes whoever still holds a file there.
    execFileSync('umount', ['-l', path])
    rmSync(path, { recursive: true })
  }
  process.once('exit', unmount)
  const used = () => {
    const { blocks, bfree, bsize } = statfsSync(path)
    return (blocks - bfree) * bsize
  }
  return { path, unmount, used, resize: (to) => mount('-o', `remount,size=${to}`, path) }
}

/** Why no disk can be mounted here; undefined where one can. */
export function whyNoTmpfs(): string | undefined {
  try {
    mountTmpfs(65_536).unmount()
    return undefined
  } catch {
    return 'needs the right to mount a tmpfs'
  }
}

const mount = (...args: string[]) => void execFileSync('mount', args, { stdio: 'ignore' })
