import { type FragmentType, readFragment } from '../generated/fragment-masking.ts'
import { graphql } from '../generated/gql.ts'
import { integerText, percentText } from './words.ts'

const FiguresFragment = graphql(`
  fragment Figures on ConnectionStats {
    total
    succeeded
    failed
    successRate
  }
`)

export function Figures({ of }: { of: FragmentType<typeof FiguresFragment> | null }) {
  const stats = readFragment(FiguresFragment, of)
  const rate = stats?.successRate ?? null
  return (
    <dl className="figures">
      <div>
        <dt>Logs</dt>
        <dd>{stats ? integerText(stats.total) : '–'}</dd>
      </div>
      <div>
        <dt>Success rate</dt>
        <dd>{rate === null ? '–' : percentText(rate)}</dd>
      </div>
      <div data-status="SUCCESS">
        <dt>Succeeded</dt>
        <dd>{stats ? integerText(stats.succeeded) : '–'}</dd>
      </div>
      <div data-status="FAILED">
        <dt>Failed</dt>
        <dd>{stats ? integerText(stats.failed) : '–'}</dd>
      </div>
    </dl>
  )
}
