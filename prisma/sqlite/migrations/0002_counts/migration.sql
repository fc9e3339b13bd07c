-- Counts are kept, not counted: how many logs a user has in each minute, hour and day, in the same transaction as the
-- logs. A row counts the logs of one platform, or those with one error code, a column for each event type and method.
-- "start" is in minutes since 1970-01-01T00:00:00Z.

CREATE TABLE "connection_log_counts" (
    "user_id" TEXT NOT NULL,
    "everyone" BOOLEAN NOT NULL,
    "span" INTEGER NOT NULL,
    "start" INTEGER NOT NULL,
    "platform" TEXT NOT NULL,
    "error_code" TEXT NOT NULL,
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
    PRIMARY KEY ("user_id", "everyone", "span", "error_code", "start", "platform")
) WITHOUT ROWID;

-- The logs that are there already.
INSERT INTO "connection_log_counts" ("user_id", "everyone", "span", "start", "platform", "error_code", "total", "connect_success_oauth", "connect_success_credentials", "connect_success_invitation", "connect_failed_oauth", "connect_failed_credentials", "connect_failed_invitation", "disconnect_oauth", "disconnect_credentials", "disconnect_invitation", "reconnect_success_oauth", "reconnect_success_credentials", "reconnect_success_invitation", "reconnect_failed_oauth", "reconnect_failed_credentials", "reconnect_failed_invitation")
SELECT CASE WHEN e.everyone THEN '' ELSE l.user_id END, e.everyone, s.span,
    l.created_at / 60000 - l.created_at / 60000 % s.span, l.platform, CASE WHEN d.detail THEN l.error_code ELSE '' END, count(*),
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
CROSS JOIN (SELECT FALSE AS everyone UNION ALL SELECT TRUE) AS e
CROSS JOIN (SELECT 1 AS span UNION ALL SELECT 60 UNION ALL SELECT 1440) AS s
CROSS JOIN (SELECT FALSE AS detail UNION ALL SELECT TRUE) AS d
WHERE NOT d.detail OR (s.span > 1 AND l.error_code <> '')
GROUP BY 1, 2, 3, 4, 5, 6;
