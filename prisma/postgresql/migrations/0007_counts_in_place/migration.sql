-- Without the total in its index a count changes in place: no index changes with it, and the pages of the counts' partitions
-- keep room for the new version of a row.
ALTER TABLE "connection_log_counts" DROP CONSTRAINT "connection_log_counts_pkey";
ALTER TABLE "connection_log_counts" ADD CONSTRAINT "connection_log_counts_pkey" PRIMARY KEY ("user_id", "everyone", "span", "error_code", "start", "platform");
