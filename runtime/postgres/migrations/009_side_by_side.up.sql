-- oldest is the oldest version of the schema whose library works on this version of it, too. NULL, of the versions before this
-- column: none but the version itself.
ALTER TABLE ironflow.schema_migrations ADD COLUMN oldest int;

-- What a function means must not depend on the search_path of who calls it.
ALTER FUNCTION ironflow.refuse SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION ironflow.append_change SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION ironflow.feed_ticket SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION ironflow.claim_limited SET search_path = pg_catalog, pg_temp;
