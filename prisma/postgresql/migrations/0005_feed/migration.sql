-- The order in which logs became visible, for the live feed. New entries go to its end, all of them, and those of one
-- transaction and user share their key, so it stays small. The user stands in it as an expression that nobody else
-- asks for: a plan for the feed has no other index to take, and no other plan takes this one.
CREATE INDEX "connection_logs_feed_idx" ON "connection_logs"("position", ("user_id" || ''));
