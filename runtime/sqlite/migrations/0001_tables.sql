-- Times are microseconds since 1970 UTC. Nothing is unique across instances but the unique keys. There are no foreign keys:
-- an event, effect or timer is only ever written in the transaction that writes its instance.

-- One small row per instance, changed by every commit: its version is what two writers race for.
CREATE TABLE ironflow_instances (
    workflow_id   TEXT    NOT NULL,
    workflow_type TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    last_event_at INTEGER NOT NULL,
    completed_at  INTEGER,
    PRIMARY KEY (workflow_id, workflow_type)
) STRICT, WITHOUT ROWID;

-- Rows lie in the order of the global sequence, so that an append goes to the end and a feed reads straight on. With one
-- writer at a time that order is also the order of commits. AUTOINCREMENT keeps the number of a deleted event from being
-- given out again.
CREATE TABLE ironflow_events (
    global_sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    workflow_id     TEXT    NOT NULL,
    workflow_type   TEXT    NOT NULL,
    version         INTEGER NOT NULL,
    type            TEXT    NOT NULL,
    schema_version  INTEGER NOT NULL,
    payload         TEXT    NOT NULL,
    recorded_at     INTEGER NOT NULL,
    commit_id       INTEGER NOT NULL,
    UNIQUE (workflow_id, workflow_type, version)
) STRICT;

-- The newest state that was kept of an instance. It is large, so that a table without rowid would not suit it.
CREATE TABLE ironflow_snapshots (
    workflow_id   TEXT    NOT NULL,
    workflow_type TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    schema        TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    PRIMARY KEY (workflow_id, workflow_type)
) STRICT;

-- The outbox. run_at is both when an effect is due and when its lease ends; a finished effect is deleted.
CREATE TABLE ironflow_effects (
    workflow_id   TEXT    NOT NULL,
    workflow_type TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    position      INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    payload       TEXT    NOT NULL,
    run_at        INTEGER NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    token         INTEGER NOT NULL DEFAULT 0,
    last_error    TEXT,
    created_at    INTEGER NOT NULL,
    dead_at       INTEGER,
    PRIMARY KEY (workflow_id, workflow_type, version, position)
) STRICT, WITHOUT ROWID;

-- Dead letters are not in the index, so that however many there are, no claim steps over them.
CREATE INDEX ironflow_effects_due ON ironflow_effects (workflow_type, kind, run_at) WHERE dead_at IS NULL;

-- generation is the version of the instance that started the timer: a key that is used again does not accept the leases
-- of the timer before.
CREATE TABLE ironflow_timers (
    workflow_id   TEXT    NOT NULL,
    workflow_type TEXT    NOT NULL,
    key           TEXT    NOT NULL,
    generation    INTEGER NOT NULL,
    input         TEXT    NOT NULL,
    payload       TEXT    NOT NULL,
    fire_at       INTEGER NOT NULL,
    run_at        INTEGER NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    token         INTEGER NOT NULL DEFAULT 0,
    last_error    TEXT,
    dead_at       INTEGER,
    PRIMARY KEY (workflow_id, workflow_type, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX ironflow_timers_due ON ironflow_timers (workflow_type, input, run_at) WHERE dead_at IS NULL;

CREATE TABLE ironflow_unique_keys (
    workflow_type TEXT NOT NULL,
    key           TEXT NOT NULL,
    workflow_id   TEXT NOT NULL,
    PRIMARY KEY (workflow_type, key)
) STRICT, WITHOUT ROWID;

-- For the completion of an instance, which frees its keys.
CREATE INDEX ironflow_unique_keys_holder ON ironflow_unique_keys (workflow_id, workflow_type);
