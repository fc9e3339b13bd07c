import type { Terminal } from './terminal.ts'

/**
 * How this command line is called from where the process was started: by npm in a clone of the repository, by npx where
 * the package is installed, else by its name.
 */
export function ownCommand({ env }: Pick<Terminal, 'env'>): string {
  const { npm_lifecycle_event: script, npm_package_name: name } = env
  if (script === undefined) return 'connlog'
  return name === 'connlog' && script !== 'npx' ? 'npm run --silent connlog --' : 'npx connlog'
}
