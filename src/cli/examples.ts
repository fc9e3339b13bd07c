import type { Command } from 'commander'

/** What people run most, by the words of the command. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  serve: [
    'PORT=4301 connlog serve',
    'DATABASE_URL=postgres://connlog:…@localhost:5432/connlog connlog serve',
  ],
  migrate: ['connlog migrate'],
  'keys create': [
    'connlog keys create --user user-1',
    'connlog keys create --service --scopes logs:read --expires 90d',
  ],
  'keys list': ['connlog keys list', 'connlog keys list --json'],
  'keys rotate': ['connlog keys rotate Q2O72rytd5 --overlap 7d'],
  'keys revoke': ['connlog keys revoke Q2O72rytd5'],
  'keys log': ['connlog keys log --key Q2O72rytd5', 'connlog keys log --json'],
  import: ['connlog import events.ndjson --user user-1', 'zcat backup.ndjson.gz | connlog import -'],
  pull: ['CONNLOG_PULL_KEY=… connlog pull --url https://getlate.dev'],
  export: [
    'connlog export --status failed --since 24h > failures.ndjson',
    'connlog export --format csv > logs.csv',
  ],
  tail: ['connlog tail --status failed', 'connlog tail --url https://logs.example.com --since 1h --json'],
  cleanup: ['connlog cleanup --dry-run'],
  erase: ['connlog erase --user user-1 --dry-run', 'connlog erase --user user-1 --json > receipt.json'],
  doctor: ['connlog doctor', 'connlog doctor --rebuild-counts'],
  schema: ['connlog schema > schema.graphql'],
}

/** Puts examples below the help of each command. */
export function addExamples(command: Command, path: readonly string[] = []): void {
  for (const child of command.commands) addExamples(child, [...path, child.name()])
  const examples = EXAMPLES[path.join(' ')]
  if (examples) command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`)
}
