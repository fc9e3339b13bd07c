-- Which key made a key (none: the operator), and what a key was replaced by and stands in for.
ALTER TABLE "api_keys" ADD COLUMN "created_by" TEXT;
ALTER TABLE "api_keys" ADD COLUMN "rotated_from" TEXT;
ALTER TABLE "api_keys" ADD COLUMN "rotated_to" TEXT;

CREATE INDEX "api_keys_user_idx" ON "api_keys"("user_id", "created_at", "id");
CREATE INDEX "api_keys_created_idx" ON "api_keys"("created_at", "id");

CREATE TABLE "audit_log" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "at" DATETIME NOT NULL CHECK (typeof("at") = 'integer'),
    "action" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "actor_key_id" TEXT,
    "user_id" TEXT,
    "key_id" TEXT,
    "details" TEXT NOT NULL
);

CREATE INDEX "audit_log_user_idx" ON "audit_log"("user_id", "id");
CREATE INDEX "audit_log_key_idx" ON "audit_log"("key_id", "id");
CREATE INDEX "audit_log_actor_idx" ON "audit_log"("actor_key_id", "id");

-- What was written stays as it was written. An entry goes only after its key has gone, which happens where a user is
-- erased. REPLACE deletes without asking triggers, so it is refused as it comes in.
CREATE TRIGGER "audit_log_no_update" BEFORE UPDATE ON "audit_log" BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER "audit_log_no_replace" BEFORE INSERT ON "audit_log" WHEN EXISTS (SELECT 1 FROM "audit_log" WHERE "id" = new."id") BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER "audit_log_no_delete" BEFORE DELETE ON "audit_log" WHEN old."key_id" IS NULL OR EXISTS (SELECT 1 FROM "api_keys" WHERE "id" = old."key_id") BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
