-- Logs are partitioned by the UTC day of created_at, event ids by the day of receipt. The service makes the
-- partitions ("connection_logs_p20261231") before it writes to them and drops them when their day has expired.

CREATE TABLE "connection_logs" (
    "id" TEXT COLLATE "C" NOT NULL,
    "user_id" TEXT COLLATE "C" NOT NULL,
    "profile_id" TEXT COLLATE "C",
    "account_id" TEXT COLLATE "C",
    "event_id" TEXT COLLATE "C",
    "platform" TEXT COLLATE "C" NOT NULL,
    "event_type" TEXT COLLATE "C" NOT NULL,
    "connection_method" TEXT COLLATE "C" NOT NULL,
    "error_code" TEXT COLLATE "C",
    "duration_ms" INTEGER,
    "success" JSON,
    "error" JSON,
    "context" JSON NOT NULL,
    "metadata" JSON,
    "terms" TEXT COLLATE "C",
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "position" BIGINT NOT NULL DEFAULT ((pg_current_xact_id()::text)::bigint),

    -- Newest first within a tenant, covers the filters on enums.
    CONSTRAINT "connection_logs_pkey" PRIMARY KEY ("user_id", "created_at", "id") INCLUDE ("platform", "event_type", "connection_method")
) PARTITION BY RANGE ("created_at");

-- Newest first over all tenants, for service keys.
CREATE INDEX "connection_logs_all_idx" ON "connection_logs"("created_at", "id") INCLUDE ("user_id", "platform", "event_type", "connection_method");

-- The sought value leads, the tenant follows: one index serves a tenant's own look-up and that of a service key.
CREATE INDEX "connection_logs_account_idx" ON "connection_logs"("account_id", "user_id", "created_at", "id") WHERE "account_id" IS NOT NULL;
CREATE INDEX "connection_logs_profile_idx" ON "connection_logs"("profile_id", "user_id", "created_at", "id") WHERE "profile_id" IS NOT NULL;
CREATE INDEX "connection_logs_error_code_idx" ON "connection_logs"("error_code", "user_id", "created_at", "id") WHERE "error_code" IS NOT NULL;

-- Ids made here (36 characters) carry their time and are found through it, ids that came with an import are not.
CREATE INDEX "connection_logs_foreign_id_idx" ON "connection_logs"("id") WHERE length("id") <> 36;

-- Search: terms are cut by the service, the index takes them as they are and no text parser of Postgres is involved.
CREATE INDEX "connection_logs_terms_idx" ON "connection_logs" USING gin (array_to_tsvector(string_to_array("terms", ' '))) WHERE "terms" IS NOT NULL;

CREATE TABLE "connection_log_event_ids" (
    "user_id" TEXT COLLATE "C" NOT NULL,
    "event_id" TEXT COLLATE "C" NOT NULL,
    "day" INTEGER NOT NULL,
    "log_id" TEXT COLLATE "C" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "connection_log_event_ids_pkey" PRIMARY KEY ("user_id", "event_id", "day")
) PARTITION BY RANGE ("day");

CREATE TABLE "api_keys" (
    "id" TEXT NOT NULL,
    "user_id" TEXT,
    "name" TEXT,
    "scopes" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "instance" (
    "id" INTEGER NOT NULL,
    "secret" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "instance_pkey" PRIMARY KEY ("id")
);
