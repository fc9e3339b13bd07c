/**
 * What a measured ratio means for its figure.
 * @param {import('./figures.mjs').Figure} figure
 * @param {import('./figures.mjs').Ratio | undefined} ratio
 */
export function verdictOf({ must, goal, reach }, ratio) {
  if (ratio === undefined) return 'not measured'
  const reaches = (bound) => (reach === 'at most' ? ratio.value <= bound : ratio.value >= bound)
  if (goal !== undefined && reaches(goal)) return 'goal reached'
  if (must === undefined) return 'reported'
  return reaches(must) ? 'reached' : 'missed'
}
