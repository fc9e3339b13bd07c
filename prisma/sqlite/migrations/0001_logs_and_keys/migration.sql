-- Instants are INTEGER milliseconds since 1970-01-01T00:00:00Z.

CREATE TABLE "connection_logs" (
    "position" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "profile_id" TEXT,
    "account_id" TEXT,
    "event_id" TEXT,
    "platform" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,
    "connection_method" TEXT NOT NULL,
    "error_code" TEXT,
    "duration_ms" INTEGER,
    "success" JSONB,
    "error" JSONB,
    "context" JSONB NOT NULL,
    "metadata" JSONB,
    "terms" TEXT,
    "created_at" DATETIME NOT NULL CHECK (typeof("created_at") = 'integer')
);

-- Newest first within a tenant, and over all tenants for service keys; both cover the filters on enums.
CREATE INDEX "connection_logs_tenant_idx" ON "connection_logs"("user_id", "created_at", "id", "platform", "event_type", "connection_method");
CREATE INDEX "connection_logs_all_idx" ON "connection_logs"("created_at", "id", "user_id", "platform", "event_type", "connection_method");

-- The sought value leads, the tenant follows: one index serves a tenant's own look-up and that of a service key.
CREATE INDEX "connection_logs_account_idx" ON "connection_logs"("account_id", "user_id", "created_at", "id") WHERE "account_id" IS NOT NULL;
CREATE INDEX "connection_logs_profile_idx" ON "connection_logs"("profile_id", "user_id", "created_at", "id") WHERE "profile_id" IS NOT NULL;
CREATE INDEX "connection_logs_error_code_idx" ON "connection_logs"("error_code", "user_id", "created_at", "id") WHERE "error_code" IS NOT NULL;

-- Ids made here (36 characters) carry their time and are found through it; ids that came with an import are not.
CREATE INDEX "connection_logs_foreign_id_idx" ON "connection_logs"("id") WHERE length("id") <> 36;

-- Search: terms are cut by the service, FTS5 only indexes them. The ascii tokenizer parts words at spaces and
-- leaves every other character of a term alone, "_" included, which stands between a tenant's mark and a word.
CREATE VIRTUAL TABLE "connection_log_terms" USING fts5("terms", content='', contentless_delete=1, detail=none, tokenize="ascii tokenchars '_'");

CREATE TRIGGER "connection_logs_terms_insert" AFTER INSERT ON "connection_logs" WHEN new."terms" IS NOT NULL BEGIN
    INSERT INTO "connection_log_terms"("rowid", "terms") VALUES (new."position", new."terms");
END;

CREATE TRIGGER "connection_logs_terms_delete" AFTER DELETE ON "connection_logs" WHEN old."terms" IS NOT NULL BEGIN
    DELETE FROM "connection_log_terms" WHERE "rowid" = old."position";
END;

CREATE TABLE "connection_log_event_ids" (
    "user_id" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "day" INTEGER NOT NULL,
    "log_id" TEXT NOT NULL,
    "created_at" DATETIME NOT NULL CHECK (typeof("created_at") = 'integer'),
    PRIMARY KEY ("user_id", "event_id", "day")
);

CREATE INDEX "connection_log_event_ids_day_idx" ON "connection_log_event_ids"("day");

CREATE TABLE "api_keys" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "user_id" TEXT,
    "name" TEXT,
    "scopes" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "created_at" DATETIME NOT NULL,
    "expires_at" DATETIME,
    "revoked_at" DATETIME,
    "last_used_at" DATETIME
);

CREATE TABLE "instance" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "secret" TEXT NOT NULL,
    "created_at" DATETIME NOT NULL
);
