-- Which version of the folding the search terms of all logs have, and up to which createdAt (in milliseconds since 1970)
-- they have it already while a service rewrites them.
ALTER TABLE "instance" ADD COLUMN "terms_version" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "instance" ADD COLUMN "terms_through_ms" BIGINT;

CREATE TRIGGER "connection_logs_terms_update" AFTER UPDATE OF "terms" ON "connection_logs" BEGIN
    DELETE FROM "connection_log_terms" WHERE "rowid" = old."position" AND old."terms" IS NOT NULL;
    INSERT INTO "connection_log_terms"("rowid", "terms") SELECT new."position", new."terms" WHERE new."terms" IS NOT NULL;
END;
