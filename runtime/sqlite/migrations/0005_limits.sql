-- slot marks effects that were claimed under a limit; of these, claimed_at tells which are leased.
ALTER TABLE ironflow_effects ADD COLUMN slot INTEGER;
CREATE INDEX ironflow_effects_slots ON ironflow_effects (workflow_type, kind, limit_key) WHERE slot = 1;
CREATE INDEX ironflow_effects_limit_key ON ironflow_effects (workflow_type, kind, limit_key, run_at)
    WHERE limit_key IS NOT NULL AND dead_at IS NULL;

-- One row for each limited kind: tokens is what may begin at once as of refilled_at (a token bucket), last_key where the next
-- claim goes on, so that all keys have their turn.
CREATE TABLE ironflow_limits (
    workflow_type TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    tokens        REAL    NOT NULL,
    refilled_at   INTEGER NOT NULL,
    last_key      TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (workflow_type, kind)
) STRICT, WITHOUT ROWID;
