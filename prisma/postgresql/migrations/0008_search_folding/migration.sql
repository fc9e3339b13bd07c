-- Which version of the folding the search terms of all logs have, and up to which createdAt (in milliseconds since 1970)
-- they have it already while a service rewrites them.
ALTER TABLE "instance" ADD COLUMN "terms_version" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "instance" ADD COLUMN "terms_through_ms" BIGINT;

-- The transaction that rewrote the search terms of a log. It tells such a log from one that came with a dump: neither has
-- the transaction that it was recorded by, its position, as its xmin.
ALTER TABLE "connection_logs" ADD COLUMN "rewritten_by" BIGINT;
