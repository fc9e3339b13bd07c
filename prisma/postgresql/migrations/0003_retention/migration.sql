-- For how many days the services of this database keep logs, and when one of them last said so, in milliseconds since
-- 1970-01-01T00:00:00Z by the clock of the database. Both are empty until a service has started.
ALTER TABLE "instance" ADD COLUMN "retention_days" INTEGER;
ALTER TABLE "instance" ADD COLUMN "retention_claimed_ms" BIGINT;
