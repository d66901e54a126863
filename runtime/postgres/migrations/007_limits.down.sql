DROP FUNCTION ironflow.claim_limited;
DROP TABLE ironflow.limits;
ALTER TABLE ironflow.effects DROP COLUMN slot; -- and the index over it
DROP INDEX ironflow.effects_limit_key_idx;
