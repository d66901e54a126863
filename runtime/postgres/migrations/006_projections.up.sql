-- What is known of each projection. A step of its owner changes the row in the transaction of what the step writes. There
-- are few of them and they change often: no index besides the key, and room for new versions of a row in its page.
CREATE TABLE ironflow.projections (
    name        text COLLATE "C" PRIMARY KEY,
    status      text COLLATE "C" NOT NULL,    -- running, paused, stopped
    position    bigint NOT NULL,              -- global_sequence up to which everything is applied
    event_at    timestamptz,                  -- recorded_at of the last event that was applied
    skipped     bigint NOT NULL DEFAULT 0,
    rebuild     boolean NOT NULL DEFAULT false,
    attempts    int NOT NULL DEFAULT 0,
    last_error  text,
    stopped_at  bigint,                       -- global_sequence of the event that cannot be applied
    owner       text,                         -- the process that runs it, until lease_until
    token       bigint NOT NULL DEFAULT 0,
    lease_until timestamptz,
    updated_at  timestamptz NOT NULL
) WITH (
    fillfactor = 20,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 200
);
