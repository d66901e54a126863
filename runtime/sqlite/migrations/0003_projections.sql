-- What is known of each projection. A step of its owner changes the row in the transaction of what the step writes.
CREATE TABLE ironflow_projections (
    name        TEXT    PRIMARY KEY,
    status      TEXT    NOT NULL,            -- running, paused, stopped
    position    INTEGER NOT NULL,            -- global_sequence up to which everything is applied
    event_at    INTEGER,                     -- recorded_at of the last event that was applied
    skipped     INTEGER NOT NULL DEFAULT 0,
    rebuild     INTEGER NOT NULL DEFAULT 0,
    attempts    INTEGER NOT NULL DEFAULT 0,
    last_error  TEXT,
    stopped_at  INTEGER,                     -- global_sequence of the event that cannot be applied
    owner       TEXT,                        -- the process that runs it, until lease_until
    token       INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
