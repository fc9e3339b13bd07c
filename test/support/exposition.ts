/** What Prometheus reads, taken apart as its format says, so that what does not fit it fails here. */
export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: Sample[]
}

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const HEADER = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { histogram: ['_bucket', '_sum', '_count'] }

/** @throws {Error} with the line that does not fit */
export function parseExposition(text: string): Map<string, Family> {
  const families = new Map<string, Family>()
  let help: { name: string; text: string } | undefined
  let family: Family | undefined
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const wrong = (why: string) => new Error(`${why}: ${line}`)
    const [, kind, name = '', rest = ''] = HEADER.exec(line) ?? []
    if (kind === 'HELP') help = { name, text: rest }
    else if (kind === 'TYPE') {
      if (help?.name !== name) throw wrong('a family without help')
      if (families.has(name)) throw wrong('a family for the second time')
      family = { name, type: rest, help: help.text, samples: [] }
      families.set(name, family)
    } else {
      const [, sample = '', labels = '', value = ''] = SAMPLE.exec(line) ?? []
      const known = family && [family.name, ...(SUFFIXES[family.type] ?? []).map((end) => family?.name + end)]
      if (!family || !known?.includes(sample)) throw wrong('a sample that is of no family')
      const number = value === '+Inf' ? Infinity : Number(value)
      if (Number.isNaN(number)) throw wrong('a value that is no number')
      family.samples.push({ name: sample, labels: labelsOf(labels, wrong), value: number })
    }
  }
  return families
}

function labelsOf(text: string, wrong: (why: string) => Error): Record<string, string> {
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < text.length) {
    const [, name, value] = LABEL.exec(text) ?? []
    if (name === undefined || value === undefined || name in labels) throw wrong('labels that do not fit')
    labels[name] = value
  }
  return labels
}

/** The values of a family as `{label=value}` lines, histograms by their counts alone. */
export function valuesOf(families: Map<string, Family>, name: string): Record<string, number> {
  const samples = families.get(name)?.samples ?? []
  return Object.fromEntries(
    samples
      .filter((sample) => !/_(bucket|sum)$/.test(sample.name.slice(name.length)))
      .map(({ labels, value }) => [Object.values(labels).join(' '), value]),
  )
}
