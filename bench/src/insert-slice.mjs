import { ACCOUNT_TYPE_STRIDE, FAILURE_STRIDE } from './believable.mjs'

/**
 * The statement that writes the logs of all tenants within a slice of time, oldest first. Each `OFFSET 0` keeps the
 * planner from merging a level into the next, which would compute its hashes again for every use.
 * @param {string} partition
 * @param {ReturnType<import('./believable.mjs').believableTables>} tables
 * @param {object} values the slice and the tenants
 */
export function insertSlice(partition, tables, values) {
  const parameters = []
  const parameter = (value) => `$${parameters.push(value)}`
  const given = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, parameter(value)]))
  const table = Object.fromEntries(
    Object.entries(tables).map(([name, list]) => [
      name,
      `(${parameter(list)}::${typeof list[0] === 'number' ? 'int' : 'text'}[])`,
    ]),
  )
  // A whole number from 0 to just below, the same for the same log and salt.
  const drawn = (salt, below) => `((hashint8extended(n, seed + ${salt}) & 2147483647) % ${below})::int`
  const drawnByAccount = (salt, below) =>
    `((hashint8extended(account, seed + ${salt}) & 2147483647) % ${below})::int`
  // From above 0 to 1.
  const share = (salt) =>
    `(((hashint8extended(n, seed + ${salt}) & 2147483647) + 1) / 2147483648.0::double precision)`
  const text = `
INSERT INTO "${partition}" (id, user_id, profile_id, account_id, platform, event_type, connection_method, error_code,
  duration_ms, success, error, context, metadata, terms, created_at)
SELECT
  -- UUIDv7: 48 bits of time, the version, 12 random bits, the variant, 62 random bits.
  substr(time, 1, 8) || '-' || substr(time, 9, 4) || '-7' || substr(hex, 1, 3) || '-'
    || substr('89ab', 1 + luck % 4, 1) || substr(hex, 4, 3) || '-' || substr(hex, 7, 12),
  user_id,
  substr(md5(seed || 'profile' || account % profiles), 1, 24),
  CASE WHEN event_type <> 'connect_failed' THEN substr(account_hex, 1, 24) END,
  ${table.platforms}[platform],
  event_type,
  method,
  ${table.errorCodes}[failure],
  duration_ms,
  CASE WHEN event_type IN ('connect_success', 'reconnect_success') THEN ('{"displayName":"' || name || '","username":"'
    || replace(${table.usernames}[platform], '*', slug) || '"'
    || CASE WHEN account % 10 > 0 THEN ',"profilePicture":"https://cdn.example.com/avatars/' || ${table.platforms}[platform]
         || '/' || slug || '.jpg"' ELSE '' END
    || ',"permissions":' || ${table.permissions}[platform]
    || CASE WHEN ${table.tokenHours}[platform] > 0 THEN ',"tokenExpiresAt":"'
         || to_char((created_at + ${table.tokenHours}[platform] * interval '1 hour') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
         || '"' ELSE '' END
    || ',"accountType":"' || ${table.accountTypes}[(platform - 1) * ${ACCOUNT_TYPE_STRIDE} + 1 + account % ${ACCOUNT_TYPE_STRIDE}]
    || '"}')::json END,
  replace(${table.errors}[failure], '<trace>', 'A' || substr(hex, 12, 20))::json,
  ('{"hasCustomRedirectUrl":' || CASE WHEN account % 7 = 0 THEN 'true' ELSE 'false' END
    || CASE WHEN account % 11 = 0 THEN ',"isHeadlessMode":true' ELSE '' END
    || CASE WHEN event_type LIKE 'reconnect%' THEN ',"isReconnection":true' ELSE '' END
    || CASE WHEN account % 23 = 0 THEN ',"isBYOK":true' ELSE '' END || '}')::json,
  CASE WHEN luck % 5 < 3 OR event_type = 'disconnect' THEN ('{"requestId":"req_' || substr(hex, 16, 16)
    || '","appVersion":"2.41.' || luck % 4 || '"'
    || CASE WHEN event_type = 'disconnect' THEN ',"reason":"user_requested"' ELSE '' END || '}')::json END,
  words || ' ' || mark || replace(words, ' ', ' ' || mark),
  created_at
FROM (
  SELECT *,
    CASE WHEN failure IS NOT NULL THEN ${table.errorWords}[failure]
      WHEN event_type <> 'disconnect' THEN slug || ${table.usernameWords}[platform] || ' ' || lower(name) END AS words
  FROM (
    SELECT *,
      brand || ' ' || trade AS name,
      lower(brand || trade) AS slug,
      CASE event_type
        WHEN 'connect_failed' THEN ${table.connectFailures}[(platform - 1) * ${FAILURE_STRIDE} + 1 + luck % ${FAILURE_STRIDE}]
        WHEN 'reconnect_failed' THEN ${table.reconnectFailures}[(platform - 1) * ${FAILURE_STRIDE} + 1 + luck % ${FAILURE_STRIDE}]
      END AS failure,
      -- Log-normal, as times of flows through somebody else's pages are.
      (exp(sigma * normal) * CASE event_type WHEN 'connect_success' THEN 2600 WHEN 'reconnect_success' THEN 1700
        WHEN 'disconnect' THEN 240 ELSE 850 END)::int AS duration_ms,
      to_timestamp(ms / 1000.0) AS created_at,
      lpad(to_hex(ms), 12, '0') AS time
    FROM (
      SELECT *,
        ${table.platformNumbers}[1 + ${drawnByAccount(1, 1000)}] AS platform,
        ${table.brands}[1 + ${drawnByAccount(2, 24)}] AS brand,
        ${table.trades}[1 + ${drawnByAccount(3, 25)}] AS trade,
        md5(seed || 'account' || account) AS account_hex,
        md5(seed || 'log' || n) AS hex,
        CASE WHEN kind < 60 THEN 'connect_success' WHEN kind < 85 THEN 'connect_failed' WHEN kind < 92 THEN 'disconnect'
          WHEN kind < 97 THEN 'reconnect_success' ELSE 'reconnect_failed' END AS event_type,
        0.5::double precision AS sigma,
        sqrt(-2 * ln(${share(4)})) * cos(2 * pi() * ${share(5)}) AS normal,
        CASE WHEN ${drawnByAccount(6, 100)} < 8 THEN 'invitation'
          ELSE ${table.methods}[${table.platformNumbers}[1 + ${drawnByAccount(1, 1000)}]] END AS method
      FROM (
        SELECT *,
          -- Some accounts come up much more often than others.
          floor(accounts * ${share(7)} * ${share(8)} * 0.999)::int AS account,
          ${drawn(9, 100)} AS kind,
          ${drawn(10, 1_000_000)} AS luck
        FROM (
          SELECT t.*, n, floor(${given.startMs}::double precision + (n + ${share(0)} * 0.999) * step)::bigint AS ms
          FROM (
            SELECT user_id, logs, mark, hashtextextended(user_id, 0) AS seed,
              (${given.endMs}::double precision - ${given.startMs}::double precision) / logs AS step,
              greatest(8, least(50000, logs / 40)) AS accounts,
              greatest(2, least(500, logs / 400)) AS profiles
            FROM unnest(${given.userIds}::text[], ${given.logs}::bigint[], ${given.marks}::text[]) AS t(user_id, logs, mark)
          ) AS t
          CROSS JOIN LATERAL generate_series(
            greatest(0, floor((${given.fromMs}::double precision - ${given.startMs}::double precision) / step)::bigint - 1),
            least(logs - 1, ceil((${given.toMs}::double precision - ${given.startMs}::double precision) / step)::bigint)
          ) AS n
          OFFSET 0
        ) AS logs
        WHERE ms >= ${given.fromMs}::bigint AND ms < ${given.toMs}::bigint
        ORDER BY ms
        OFFSET 0
      ) AS drawn
      OFFSET 0
    ) AS events
    OFFSET 0
  ) AS told
  OFFSET 0
) AS worded`
  return { text, values: parameters }
}
