-- Which key made a key (none: the operator), and what a key was replaced by and stands in for.
ALTER TABLE "api_keys" ADD COLUMN "created_by" TEXT;
ALTER TABLE "api_keys" ADD COLUMN "rotated_from" TEXT;
ALTER TABLE "api_keys" ADD COLUMN "rotated_to" TEXT;

CREATE INDEX "api_keys_user_idx" ON "api_keys"("user_id", "created_at", "id");
CREATE INDEX "api_keys_created_idx" ON "api_keys"("created_at", "id");

CREATE TABLE "audit_log" (
    "id" TEXT COLLATE "C" NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "action" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "actor_key_id" TEXT,
    "user_id" TEXT,
    "key_id" TEXT,
    "details" TEXT NOT NULL,

    CONSTRAINT "audit_log_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "audit_log_user_idx" ON "audit_log"("user_id", "id");
CREATE INDEX "audit_log_key_idx" ON "audit_log"("key_id", "id");
CREATE INDEX "audit_log_actor_idx" ON "audit_log"("actor_key_id", "id");

-- What was written stays as it was written. An entry goes only after its key has gone, which happens where a user is
-- erased. The semicolons of the function are written as \x3b, since Prisma's engine would split the script at them.
CREATE FUNCTION "audit_log_refuse"() RETURNS trigger LANGUAGE plpgsql AS E'BEGIN
    IF TG_OP = ''DELETE'' THEN
        IF OLD."key_id" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "api_keys" WHERE "id" = OLD."key_id") THEN
            RETURN OLD\x3b
        END IF\x3b
    END IF\x3b
    RAISE EXCEPTION ''the audit log is append-only''\x3b
END';

CREATE TRIGGER "audit_log_no_change" BEFORE UPDATE OR DELETE ON "audit_log" FOR EACH ROW EXECUTE FUNCTION "audit_log_refuse"();
CREATE TRIGGER "audit_log_no_truncate" BEFORE TRUNCATE ON "audit_log" FOR EACH STATEMENT EXECUTE FUNCTION "audit_log_refuse"();
