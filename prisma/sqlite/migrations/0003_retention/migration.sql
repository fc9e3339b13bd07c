-- For how many days the services of this database keep logs, and when one of them last said so, in milliseconds since
-- 1970-01-01T00:00:00Z by the clock of the database. Both are empty until a service has started.
ALTER TABLE "instance" ADD COLUMN "retention_days" INTEGER;
ALTER TABLE "instance" ADD COLUMN "retention_claimed_ms" BIGINT;

-- By default FTS5 merges a segment anew as soon as a tenth of it is deleted. As logs expire that is all the time, and a
-- merge looks up the tombstone of each entry, which holds up the process for a tenth of a second.
INSERT INTO "connection_log_terms"("connection_log_terms", "rank") VALUES ('deletemerge', 50);
