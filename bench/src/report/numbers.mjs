/** A ratio to two digits behind the point, `at least 10` to one. */
export const ratioText = (value) => `${value.toFixed(value >= 10 ? 1 : 2)}×`
export const boundText = ({ reach }, bound) =>
  bound === undefined ? '–' : `${reach === 'at most' ? '≤' : '≥'} ${bound}×`
export const rangeText = ({ min, max }) => `${ratioText(min)} – ${ratioText(max)}`
export const wholeText = (value) => Math.round(value).toLocaleString('en')
export const msText = (value) => (value < 100 ? value.toFixed(1) : wholeText(value))
