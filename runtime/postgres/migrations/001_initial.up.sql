-- Text that is part of a key is COLLATE "C": bytes decide, on every machine, so that all writers lock rows in one order
-- and an operating system's new collation rules never corrupt an index.
--
-- Keys lead with workflow_id. With the type first, a planner with stale statistics scans every row of the type.

-- The row to lock. Each commit updates it, so it carries nothing but what a commit needs: no index besides the key, or
-- updates would stop being heap-only (HOT); room in each page for a second version of every row, because instances that
-- were created together tend to be updated together; vacuum before the dead pile up.
CREATE TABLE ironflow.instances (
    workflow_id   text COLLATE "C" NOT NULL,
    workflow_type text COLLATE "C" NOT NULL,
    version       bigint NOT NULL,
    created_at    timestamptz NOT NULL,
    last_event_at timestamptz NOT NULL,
    completed_at  timestamptz,
    PRIMARY KEY (workflow_id, workflow_type)
) WITH (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02
);

-- CACHE 1: with a larger cache, a session would hand out old numbers long after others took newer ones, and readers in
-- the order of the sequence would miss them.
CREATE SEQUENCE ironflow.events_global_sequence AS bigint CACHE 1;

-- Payloads are json, not jsonb: text that was checked and comes back byte for byte, \u0000 included.
-- commit_id is the writer's own number of the commit. It finds with it what became of a commit whose answer was lost.
-- The index on global_sequence is not unique: the sequence sees to that, and uniqueness across instances would keep the
-- table from being distributed by instance.
CREATE TABLE ironflow.events (
    workflow_id     text COLLATE "C" NOT NULL,
    workflow_type   text COLLATE "C" NOT NULL,
    version         bigint NOT NULL,
    global_sequence bigint NOT NULL DEFAULT nextval('ironflow.events_global_sequence'),
    type            text COLLATE "C" NOT NULL,
    schema_version  int NOT NULL,
    payload         json NOT NULL,
    recorded_at     timestamptz NOT NULL,
    commit_id       bigint NOT NULL,
    PRIMARY KEY (workflow_id, workflow_type, version)
) WITH (
    autovacuum_analyze_scale_factor = 0.02
);
ALTER SEQUENCE ironflow.events_global_sequence OWNED BY ironflow.events.global_sequence;
CREATE INDEX events_global_sequence_idx ON ironflow.events (global_sequence);

-- The newest state of an instance that was saved, so that only the events after it are replayed. schema names the shape of
-- the state.
CREATE TABLE ironflow.snapshots (
    workflow_id   text COLLATE "C" NOT NULL,
    workflow_type text COLLATE "C" NOT NULL,
    version       bigint NOT NULL,
    schema        text COLLATE "C" NOT NULL,
    state         json NOT NULL,
    PRIMARY KEY (workflow_id, workflow_type)
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.02
);

-- Queues: rows come and go, so vacuum by the number of dead rows rather than by their share.
-- run_at is both the due time and, while leased, the end of the lease. Dead letters leave the claim index, so that no
-- claim pays for them.
CREATE TABLE ironflow.effects (
    workflow_id   text COLLATE "C" NOT NULL,
    workflow_type text COLLATE "C" NOT NULL,
    version       bigint NOT NULL,
    position      int NOT NULL,
    kind          text COLLATE "C" NOT NULL,
    payload       json NOT NULL,
    run_at        timestamptz NOT NULL,
    attempts      int NOT NULL DEFAULT 0,
    token         bigint NOT NULL DEFAULT 0,
    last_error    text,
    created_at    timestamptz NOT NULL,
    dead_at       timestamptz,
    PRIMARY KEY (workflow_id, workflow_type, version, position)
) WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.05
);
CREATE INDEX effects_claim_idx ON ironflow.effects (workflow_type, kind, run_at) WHERE dead_at IS NULL;

-- generation is the version of the instance after the decision that started the timer.
CREATE TABLE ironflow.timers (
    workflow_id   text COLLATE "C" NOT NULL,
    workflow_type text COLLATE "C" NOT NULL,
    key           text COLLATE "C" NOT NULL,
    generation    bigint NOT NULL,
    input         text COLLATE "C" NOT NULL,
    payload       json NOT NULL,
    fire_at       timestamptz NOT NULL,
    run_at        timestamptz NOT NULL,
    attempts      int NOT NULL DEFAULT 0,
    token         bigint NOT NULL DEFAULT 0,
    last_error    text,
    dead_at       timestamptz,
    PRIMARY KEY (workflow_id, workflow_type, key)
) WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.05
);
CREATE INDEX timers_claim_idx ON ironflow.timers (workflow_type, input, run_at) WHERE dead_at IS NULL;

-- The only thing that is unique across instances.
CREATE TABLE ironflow.unique_keys (
    workflow_type text COLLATE "C" NOT NULL,
    key           text COLLATE "C" NOT NULL,
    workflow_id   text COLLATE "C" NOT NULL,
    PRIMARY KEY (workflow_type, key)
);
CREATE INDEX unique_keys_instance_idx ON ironflow.unique_keys (workflow_id, workflow_type);

-- Statements that find that something does not hold call this, because COMMIT is on its way behind them: an error is the
-- only thing that stops it. Nothing calls it otherwise, so it costs nothing.
CREATE FUNCTION ironflow.refuse(code text, message text, detail text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING errcode = code, message = 'ironflow: ' || message, detail = coalesce(detail, '');
END
$$;
