-- blocked_since is when a process claimed the delivery for the first time and could not take it, because it does not know its
-- payload or an event of its instance. last_error has the reason. The next process that can take it sets blocked_since to NULL. A
-- timer that replaced a blocked one has no last_error, and is not blocked, whatever is in blocked_since.
-- told_at is when the instance accepted the input that tells of the dead letter.
-- holder is the name of the process that claimed the delivery, until the lease is settled.
ALTER TABLE ironflow.effects
    ADD COLUMN blocked_since timestamptz, ADD COLUMN told_at timestamptz, ADD COLUMN holder text;
ALTER TABLE ironflow.timers
    ADD COLUMN blocked_since timestamptz, ADD COLUMN told_at timestamptz, ADD COLUMN holder text;

-- Blocked deliveries by kind. Others are not in the indexes and do not pay for them.
CREATE INDEX effects_blocked_idx ON ironflow.effects (workflow_type, kind, blocked_since)
    WHERE blocked_since IS NOT NULL AND last_error IS NOT NULL AND dead_at IS NULL;
CREATE INDEX timers_blocked_idx ON ironflow.timers (workflow_type, input, blocked_since)
    WHERE blocked_since IS NOT NULL AND last_error IS NOT NULL AND dead_at IS NULL;

-- Dead letters that somebody has to decide about: by kind, to count each kind by itself, and in the order in which they died, to
-- list them however many there are that the instances were told of.
CREATE INDEX effects_dead_kind_idx ON ironflow.effects (workflow_type, kind, dead_at) WHERE dead_at IS NOT NULL AND told_at IS NULL;
CREATE INDEX timers_dead_kind_idx ON ironflow.timers (workflow_type, input, dead_at) WHERE dead_at IS NOT NULL AND told_at IS NULL;
CREATE INDEX effects_not_told_idx ON ironflow.effects (dead_at, workflow_id, workflow_type, version, position)
    WHERE dead_at IS NOT NULL AND told_at IS NULL;
CREATE INDEX timers_not_told_idx ON ironflow.timers (dead_at, workflow_id, workflow_type, generation, key)
    WHERE dead_at IS NOT NULL AND told_at IS NULL;
