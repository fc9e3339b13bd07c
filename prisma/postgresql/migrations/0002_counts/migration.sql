-- Counts are kept, not counted: how many logs a user has in each minute, hour and day, in the same transaction as the
-- logs. A row counts the logs of one platform, or those with one error code, a column for each event type and method.

-- Partitioned by the UTC day of "start" (minutes since 1970-01-01T00:00:00Z), made and dropped with the logs of that day.
CREATE TABLE "connection_log_counts" (
    "user_id" TEXT COLLATE "C" NOT NULL,
    "everyone" BOOLEAN NOT NULL,
    "span" INTEGER NOT NULL,
    "start" INTEGER NOT NULL,
    "platform" TEXT COLLATE "C" NOT NULL,
    "error_code" TEXT COLLATE "C" NOT NULL,
    "total" INTEGER NOT NULL DEFAULT 0,
    "connect_success_oauth" INTEGER NOT NULL DEFAULT 0,
    "connect_success_credentials" INTEGER NOT NULL DEFAULT 0,
    "connect_success_invitation" INTEGER NOT NULL DEFAULT 0,
    "connect_failed_oauth" INTEGER NOT NULL DEFAULT 0,
    "connect_failed_credentials" INTEGER NOT NULL DEFAULT 0,
    "connect_failed_invitation" INTEGER NOT NULL DEFAULT 0,
    "disconnect_oauth" INTEGER NOT NULL DEFAULT 0,
    "disconnect_credentials" INTEGER NOT NULL DEFAULT 0,
    "disconnect_invitation" INTEGER NOT NULL DEFAULT 0,
    "reconnect_success_oauth" INTEGER NOT NULL DEFAULT 0,
    "reconnect_success_credentials" INTEGER NOT NULL DEFAULT 0,
    "reconnect_success_invitation" INTEGER NOT NULL DEFAULT 0,
    "reconnect_failed_oauth" INTEGER NOT NULL DEFAULT 0,
    "reconnect_failed_credentials" INTEGER NOT NULL DEFAULT 0,
    "reconnect_failed_invitation" INTEGER NOT NULL DEFAULT 0,

    -- With the total, so that most reads need the index alone.
    CONSTRAINT "connection_log_counts_pkey" PRIMARY KEY ("user_id", "everyone", "span", "error_code", "start", "platform") INCLUDE ("total")
) PARTITION BY RANGE ("start");

-- What writers note, a row a minute and transaction, so that no two of them wait for one row. The service merges them
-- into the counts every second or so, and reads add up both.
CREATE TABLE "connection_log_count_deltas" (
    "user_id" TEXT COLLATE "C" NOT NULL,
    "start" INTEGER NOT NULL,
    "platform" TEXT COLLATE "C" NOT NULL,
    "error_code" TEXT COLLATE "C" NOT NULL,
    "position" BIGINT NOT NULL DEFAULT ((pg_current_xact_id()::text)::bigint),
    "total" INTEGER NOT NULL DEFAULT 0,
    "connect_success_oauth" INTEGER NOT NULL DEFAULT 0,
    "connect_success_credentials" INTEGER NOT NULL DEFAULT 0,
    "connect_success_invitation" INTEGER NOT NULL DEFAULT 0,
    "connect_failed_oauth" INTEGER NOT NULL DEFAULT 0,
    "connect_failed_credentials" INTEGER NOT NULL DEFAULT 0,
    "connect_failed_invitation" INTEGER NOT NULL DEFAULT 0,
    "disconnect_oauth" INTEGER NOT NULL DEFAULT 0,
    "disconnect_credentials" INTEGER NOT NULL DEFAULT 0,
    "disconnect_invitation" INTEGER NOT NULL DEFAULT 0,
    "reconnect_success_oauth" INTEGER NOT NULL DEFAULT 0,
    "reconnect_success_credentials" INTEGER NOT NULL DEFAULT 0,
    "reconnect_success_invitation" INTEGER NOT NULL DEFAULT 0,
    "reconnect_failed_oauth" INTEGER NOT NULL DEFAULT 0,
    "reconnect_failed_credentials" INTEGER NOT NULL DEFAULT 0,
    "reconnect_failed_invitation" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "connection_log_count_deltas_pkey" PRIMARY KEY ("user_id", "start", "platform", "error_code", "position")
);

-- The logs that are there already are noted as if they had just been written.
INSERT INTO "connection_log_count_deltas" ("user_id", "start", "platform", "error_code", "total", "connect_success_oauth", "connect_success_credentials", "connect_success_invitation", "connect_failed_oauth", "connect_failed_credentials", "connect_failed_invitation", "disconnect_oauth", "disconnect_credentials", "disconnect_invitation", "reconnect_success_oauth", "reconnect_success_credentials", "reconnect_success_invitation", "reconnect_failed_oauth", "reconnect_failed_credentials", "reconnect_failed_invitation")
SELECT l.user_id, floor(extract(epoch from l.created_at) / 60)::integer, l.platform, c.error_code, count(*),
    count(*) FILTER (WHERE l.event_type = 'connect_success' AND l.connection_method = 'oauth'),
    count(*) FILTER (WHERE l.event_type = 'connect_success' AND l.connection_method = 'credentials'),
    count(*) FILTER (WHERE l.event_type = 'connect_success' AND l.connection_method = 'invitation'),
    count(*) FILTER (WHERE l.event_type = 'connect_failed' AND l.connection_method = 'oauth'),
    count(*) FILTER (WHERE l.event_type = 'connect_failed' AND l.connection_method = 'credentials'),
    count(*) FILTER (WHERE l.event_type = 'connect_failed' AND l.connection_method = 'invitation'),
    count(*) FILTER (WHERE l.event_type = 'disconnect' AND l.connection_method = 'oauth'),
    count(*) FILTER (WHERE l.event_type = 'disconnect' AND l.connection_method = 'credentials'),
    count(*) FILTER (WHERE l.event_type = 'disconnect' AND l.connection_method = 'invitation'),
    count(*) FILTER (WHERE l.event_type = 'reconnect_success' AND l.connection_method = 'oauth'),
    count(*) FILTER (WHERE l.event_type = 'reconnect_success' AND l.connection_method = 'credentials'),
    count(*) FILTER (WHERE l.event_type = 'reconnect_success' AND l.connection_method = 'invitation'),
    count(*) FILTER (WHERE l.event_type = 'reconnect_failed' AND l.connection_method = 'oauth'),
    count(*) FILTER (WHERE l.event_type = 'reconnect_failed' AND l.connection_method = 'credentials'),
    count(*) FILTER (WHERE l.event_type = 'reconnect_failed' AND l.connection_method = 'invitation')
FROM "connection_logs" AS l
CROSS JOIN LATERAL (SELECT '' AS error_code UNION ALL SELECT l.error_code WHERE l.error_code <> '') AS c
GROUP BY 1, 2, 3, 4;

-- The index over all users serves those alone who name its predicate, which always holds: the planner would take it for
-- the logs of one user too, where few users have most of the logs, and read everybody's.
DROP INDEX "connection_logs_all_idx";
CREATE INDEX "connection_logs_all_idx" ON "connection_logs"("created_at", "id") INCLUDE ("user_id", "platform", "event_type", "connection_method") WHERE length("id") > 0;
