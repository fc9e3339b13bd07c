-- What keys have spent of their rate limits, in all processes together. Not worth a log: what a crash takes is whole again
-- within a minute or two.
CREATE UNLOGGED TABLE "rate_limits" (
    "key_id" TEXT NOT NULL,
    "owed" BIGINT NOT NULL,
    "at_ms" BIGINT NOT NULL,

    CONSTRAINT "rate_limits_pkey" PRIMARY KEY ("key_id")
);
