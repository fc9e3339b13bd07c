-- Nothing to do: here, a table without row ids is its index. See the migration of the same name for Postgres.
SELECT 1;
