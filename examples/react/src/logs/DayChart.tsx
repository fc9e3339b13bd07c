import type { CombinedError } from '@urql/core'
import { useId } from 'react'
import { type FragmentType, readFragment } from '../generated/fragment-masking.ts'
import { graphql } from '../generated/gql.ts'
import { sentenceOf } from './ErrorNotice.tsx'
import { TIME_ZONE, dayText, integerText, wholeDayText } from './words.ts'

const DayChartFragment = graphql(`
  fragment DayChart on ConnectionStats {
    series {
      start
      succeeded
      failed
    }
  }
`)

interface Props {
  readonly of: FragmentType<typeof DayChartFragment> | null
  readonly error: CombinedError | null
}

/** How wide the bar of a day is, of all that the day has: a few days do not make fat bars. */
const widthOf = (days: number) => 0.68 * Math.min(1, Math.max(days, 1) / 7)

/** Successes with failures on top, by day of the reader's zone. Whoever cannot see it has the table behind it. */
export function DayChart({ of, error }: Props) {
  const titleId = useId()
  const series = readFragment(DayChartFragment, of)?.series ?? []
  const top = roundUp(Math.max(1, ...series.map(({ succeeded, failed }) => succeeded + failed)))
  const width = widthOf(series.length)
  const isEmpty = series.length === 0
  return (
    <figure className="chart">
      <figcaption id={titleId}>
        Attempts by day <span>{TIME_ZONE}</span>
      </figcaption>
      {error && (
        <p className="complaint" role="alert">
          The numbers could not be read. {sentenceOf(error)}
        </p>
      )}
      <div className="plot" aria-hidden="true" data-empty={isEmpty}>
        <div className="scale">
          <span>{integerText(top)}</span>
          <span>{integerText(top / 2)}</span>
          <span>0</span>
        </div>
        <svg viewBox={`0 0 ${Math.max(1, series.length)} ${top}`} preserveAspectRatio="none">
          {[0, top / 2, top].map((y) => (
            <line key={y} x1={0} x2={series.length} y1={y} y2={y} vectorEffect="non-scaling-stroke" />
          ))}
          {series.map(({ start, succeeded, failed }, index) => (
            <g key={start}>
              <title>{`${wholeDayText(start)}: ${integerText(succeeded)} succeeded, ${integerText(failed)} failed`}</title>
              <rect className="day" x={index} y={0} width={1} height={top} />
              <rect
                className="succeeded"
                x={index + (1 - width) / 2}
                y={top - succeeded}
                width={width}
                height={succeeded}
              />
              <rect
                className="failed"
                x={index + (1 - width) / 2}
                y={top - succeeded - failed}
                width={width}
                height={failed}
              />
            </g>
          ))}
        </svg>
        <ol>
          {series.map(({ start }) => (
            <li key={start}>{dayText(start)}</li>
          ))}
        </ol>
      </div>
      <details hidden={isEmpty}>
        <summary>As a table</summary>
        <table aria-labelledby={titleId}>
          <thead>
            <tr>
              <th scope="col">Day</th>
              <th scope="col">Succeeded</th>
              <th scope="col">Failed</th>
            </tr>
          </thead>
          <tbody>
            {series.map(({ start, succeeded, failed }) => (
              <tr key={start}>
                <th scope="row">
                  <time dateTime={start}>{wholeDayText(start)}</time>
                </th>
                <td>{integerText(succeeded)}</td>
                <td>{integerText(failed)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  )
}

/** The next even number with one or two digits that are not 0, so that the lines stand at numbers one can read. */
function roundUp(value: number): number {
  const step = Math.max(2, 10 ** Math.floor(Math.log10(value)) / 5)
  return Math.ceil(value / step) * step
}
