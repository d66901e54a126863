-- For lists of instances, the newest first: of those that are active, and of those that have completed. A list of all
-- workflows reads them one by one.
CREATE INDEX ironflow_instances_active ON ironflow_instances (workflow_type, created_at, workflow_id) WHERE completed_at IS NULL;
CREATE INDEX ironflow_instances_completed ON ironflow_instances (workflow_type, created_at, workflow_id) WHERE completed_at IS NOT NULL;

-- Dead letters in the order in which they died. Only they are in it.
CREATE INDEX ironflow_effects_dead ON ironflow_effects (dead_at, workflow_id, workflow_type, version, position) WHERE dead_at IS NOT NULL;
CREATE INDEX ironflow_timers_dead ON ironflow_timers (dead_at, workflow_id, workflow_type, generation, key) WHERE dead_at IS NOT NULL;

-- When the delivery was claimed, until its lease is settled. Together with run_at it tells those that somebody works on from
-- those that wait for their time.
ALTER TABLE ironflow_effects ADD COLUMN claimed_at INTEGER;
ALTER TABLE ironflow_timers ADD COLUMN claimed_at INTEGER;

-- Dead letters that somebody gave up, with everything that is needed to bring one back by hand. item is the effect's
-- position, or the timer's key.
CREATE TABLE ironflow_discarded_letters (
    workflow_id   TEXT    NOT NULL,
    workflow_type TEXT    NOT NULL,
    queue         TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    item          TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    payload       TEXT    NOT NULL,
    attempts      INTEGER NOT NULL,
    last_error    TEXT    NOT NULL,
    due_at        INTEGER NOT NULL,
    dead_at       INTEGER NOT NULL,
    discarded_at  INTEGER NOT NULL,
    discarded_by  TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    PRIMARY KEY (workflow_id, workflow_type, queue, version, item, discarded_at)
) STRICT;
CREATE INDEX ironflow_discarded_letters_discarded
    ON ironflow_discarded_letters (discarded_at, workflow_id, workflow_type, queue, version, item);

-- Workflows whose effects and timers nobody claims.
CREATE TABLE ironflow_paused_workflows (
    workflow_type TEXT    PRIMARY KEY,
    paused_at     INTEGER NOT NULL,
    paused_by     TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    refuse_inputs INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Work that one process at a time does for all. run_at is when it is due; while somebody does it, when his lease ends.
CREATE TABLE ironflow_chores (
    name   TEXT    PRIMARY KEY,
    run_at INTEGER NOT NULL,
    token  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
