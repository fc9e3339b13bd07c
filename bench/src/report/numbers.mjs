/** A ratio to two digits behind the point, `at least 10` to one. */
export const ratioText = (value) => `${value.toFixed(value >= 10 ? 1 : 2)}×`
/** What was measured of a figure: a ratio, or a time if it says so. */
export const valueText = ({ unit }, value) => (unit === 'ms' ? `${msText(value)} ms` : ratioText(value))
export const boundText = ({ reach, unit }, bound) =>
  bound === undefined ? '–' : `${reach === 'at most' ? '≤' : '≥'} ${bound}${unit === 'ms' ? ' ms' : '×'}`
export const rangeText = (figure, { min, max }) => `${valueText(figure, min)} – ${valueText(figure, max)}`
export const wholeText = (value) => Math.round(value).toLocaleString('en')
export const msText = (value) => (value < 100 ? value.toFixed(1) : wholeText(value))
