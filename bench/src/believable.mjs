import { PLATFORM_HABITS } from '../../dist/demo/platforms.js'
import { wordsOf, wordsOfLog } from '../../dist/connections/words.js'

/**
 * The tables that rows are drawn from, as arrays that Postgres can index: what accounts look like on each platform and
 * how connecting fails there are those of the demo, so that answers have the size of real ones.
 */

const BRANDS =
  'Juniper Harbor Cedar Lumen Kestrel Saffron Willow Copper Meadow Atlas Marlow Fjord ' +
  'Clover Ember Indigo Maple Orchid Pebble Quill Sable Tundra Velvet Wren Zephyr'
const TRADES =
  'Coffee Studio Bakery Cycles Yoga Labs Travel Books Ceramics Outdoors Kitchen Dental Records ' +
  'Realty Skincare Brewing Gardens Legal Optics Pilates Roasters Swimwear Tattoo Vintage Watches'

/** Most entries of a list that one index reaches; lists are laid out one behind the other in strides of it. */
export const FAILURE_STRIDE = 100
export const ACCOUNT_TYPE_STRIDE = 6

export function believableTables() {
  const failures = PLATFORM_HABITS.flatMap(({ failures }) => failures)
  const failureNumber = new Map(failures.map((failure, index) => [failure, index + 1]))
  const failuresOn = (attempt) =>
    PLATFORM_HABITS.flatMap(({ failures }) => {
      const possible = failures.filter(({ on }) => on === attempt || on === 'any')
      return weighted(possible, FAILURE_STRIDE).map((failure) => failureNumber.get(failure))
    })
  return {
    brands: BRANDS.split(' '),
    trades: TRADES.split(' '),
    platforms: PLATFORM_HABITS.map(({ platform }) => platform),
    platformNumbers: weighted(PLATFORM_HABITS, 1_000).map((habits) => PLATFORM_HABITS.indexOf(habits) + 1),
    methods: PLATFORM_HABITS.map(({ method }) => method),
    usernames: PLATFORM_HABITS.map(({ username }) => username),
    // What a username adds to the words of a log beside the name itself, such as the `bsky social` of a handle there.
    usernameWords: PLATFORM_HABITS.map(({ username }) =>
      wordsOf(username.replace('*', ' '))
        .map((word) => ` ${word}`)
        .join(''),
    ),
    accountTypes: PLATFORM_HABITS.flatMap(({ accountTypes }) =>
      Array.from({ length: ACCOUNT_TYPE_STRIDE }, (_, index) => accountTypes[index % accountTypes.length]),
    ),
    permissions: PLATFORM_HABITS.map(({ permissions }) => JSON.stringify(permissions)),
    tokenHours: PLATFORM_HABITS.map(({ tokenHours }) => tokenHours ?? 0),
    connectFailures: failuresOn('connect'),
    reconnectFailures: failuresOn('reconnect'),
    errorCodes: failures.map(({ code }) => code),
    errors: failures.map(({ code, message, answer }) =>
      JSON.stringify({ code, message, ...(answer ? { rawResponse: JSON.stringify(answer) } : {}) }),
    ),
    errorWords: failures.map((error) => wordsOfLog({ error, success: null }).join(' ')),
  }
}

/** A list of the given length in which each value stands as often as its weight asks. */
function weighted(values, length) {
  const sum = values.reduce((sum, { weight }) => sum + weight, 0)
  let upTo = 0
  const ends = values.map(({ weight }) => (upTo += weight / sum))
  return Array.from({ length }, (_, index) => {
    const at = ends.findIndex((end) => (index + 0.5) / length < end)
    return values[at === -1 ? values.length - 1 : at]
  })
}
