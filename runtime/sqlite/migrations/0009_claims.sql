-- Claims take what is due in one order: by time, and the effects of one instance as they were decided.
DROP INDEX ironflow_effects_due;
CREATE INDEX ironflow_effects_due ON ironflow_effects (workflow_type, kind, run_at, version, position) WHERE dead_at IS NULL;

-- What is due beyond the limit of its key is parked: run_at moves into the future, and parked_from keeps the time it was due. So no
-- claim meets it again. When an effect of the key ends, a trigger makes the oldest parked one due. Its place in the order is the
-- time at which the one that ended was claimed, so that all keys have their turn. A parked effect also becomes due by itself after
-- one to ten minutes.
ALTER TABLE ironflow_effects ADD COLUMN parked_from INTEGER;
CREATE INDEX ironflow_effects_parked ON ironflow_effects (workflow_type, kind, limit_key, parked_from, version, position)
    WHERE parked_from IS NOT NULL;

-- The leases that count against limits. An effect that waits for its next attempt is not in these indexes.
DROP INDEX ironflow_effects_slots;
DROP INDEX ironflow_effects_limit_key;
CREATE INDEX ironflow_effects_slots ON ironflow_effects (workflow_type, kind, run_at) WHERE slot = 1 AND claimed_at IS NOT NULL;
CREATE INDEX ironflow_effects_key_slots ON ironflow_effects (workflow_type, kind, limit_key, run_at)
    WHERE slot = 1 AND claimed_at IS NOT NULL AND limit_key IS NOT NULL;

CREATE TRIGGER ironflow_effects_unpark_after_delete AFTER DELETE ON ironflow_effects
WHEN OLD.limit_key IS NOT NULL AND OLD.parked_from IS NULL
BEGIN
    UPDATE ironflow_effects SET run_at = coalesce(OLD.claimed_at, parked_from), parked_from = NULL
    WHERE (workflow_id, workflow_type, version, position) = (
        SELECT workflow_id, workflow_type, version, position FROM ironflow_effects
        WHERE workflow_type = OLD.workflow_type AND kind = OLD.kind AND limit_key = OLD.limit_key AND parked_from IS NOT NULL
        ORDER BY parked_from, version, position LIMIT 1);
END;

CREATE TRIGGER ironflow_effects_unpark_after_update AFTER UPDATE OF claimed_at ON ironflow_effects
WHEN OLD.limit_key IS NOT NULL AND OLD.claimed_at IS NOT NULL AND NEW.claimed_at IS NULL
BEGIN
    UPDATE ironflow_effects SET run_at = OLD.claimed_at, parked_from = NULL
    WHERE (workflow_id, workflow_type, version, position) = (
        SELECT workflow_id, workflow_type, version, position FROM ironflow_effects
        WHERE workflow_type = OLD.workflow_type AND kind = OLD.kind AND limit_key = OLD.limit_key AND parked_from IS NOT NULL
        ORDER BY parked_from, version, position LIMIT 1);
END;
