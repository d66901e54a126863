ALTER FUNCTION ironflow.claim_limited RESET search_path;
ALTER FUNCTION ironflow.feed_ticket RESET search_path;
ALTER FUNCTION ironflow.append_change RESET search_path;
ALTER FUNCTION ironflow.refuse RESET search_path;
ALTER TABLE ironflow.schema_migrations DROP COLUMN oldest;
