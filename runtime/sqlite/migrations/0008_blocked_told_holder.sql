-- blocked_since is when a process claimed the delivery for the first time and could not take it, because it does not know its
-- payload or an event of its instance. last_error has the reason. The next process that can take it sets blocked_since to NULL.
-- told_at is when the instance accepted the input that tells of the dead letter.
-- holder is the name of the process that claimed the delivery, until the lease is settled.
ALTER TABLE ironflow_effects ADD COLUMN blocked_since INTEGER;
ALTER TABLE ironflow_effects ADD COLUMN told_at INTEGER;
ALTER TABLE ironflow_effects ADD COLUMN holder TEXT;
ALTER TABLE ironflow_timers ADD COLUMN blocked_since INTEGER;
ALTER TABLE ironflow_timers ADD COLUMN told_at INTEGER;
ALTER TABLE ironflow_timers ADD COLUMN holder TEXT;

-- Blocked deliveries by kind. Others are not in the indexes and do not pay for them.
CREATE INDEX ironflow_effects_blocked ON ironflow_effects (workflow_type, kind, blocked_since)
    WHERE blocked_since IS NOT NULL AND dead_at IS NULL;
CREATE INDEX ironflow_timers_blocked ON ironflow_timers (workflow_type, input, blocked_since)
    WHERE blocked_since IS NOT NULL AND dead_at IS NULL;

-- Dead letters that somebody has to decide about: by kind, to count each kind by itself, and in the order in which they died, to
-- list them however many there are that the instances were told of.
CREATE INDEX ironflow_effects_dead_kind ON ironflow_effects (workflow_type, kind, dead_at)
    WHERE dead_at IS NOT NULL AND told_at IS NULL;
CREATE INDEX ironflow_timers_dead_kind ON ironflow_timers (workflow_type, input, dead_at)
    WHERE dead_at IS NOT NULL AND told_at IS NULL;
CREATE INDEX ironflow_effects_not_told ON ironflow_effects (dead_at, workflow_id, workflow_type, version, position)
    WHERE dead_at IS NOT NULL AND told_at IS NULL;
CREATE INDEX ironflow_timers_not_told ON ironflow_timers (dead_at, workflow_id, workflow_type, generation, key)
    WHERE dead_at IS NOT NULL AND told_at IS NULL;
