-- For lists of instances, the newest first: of those that are active, and of those that have completed. No commit changes what
-- is in them but the one that completes an instance; all others stay heap-only (HOT). Both are ordered by workflow first, and a
-- list of all workflows reads them one by one.
--
-- What they are about is not said by IS NULL, which commits and locks ask of the rows they look up by key: the planner would
-- take it for a reason to read such an index as a whole, as it does while it believes that the table is empty.
CREATE INDEX instances_active_idx ON ironflow.instances (workflow_type, created_at, workflow_id)
    WHERE coalesce(completed_at, timestamptz 'infinity') = timestamptz 'infinity';
CREATE INDEX instances_completed_idx ON ironflow.instances (workflow_type, created_at, workflow_id)
    WHERE coalesce(completed_at, timestamptz 'infinity') < timestamptz 'infinity';

-- Dead letters in the order in which they died. Only they are in it, so that nobody else pays.
CREATE INDEX effects_dead_idx ON ironflow.effects (dead_at, workflow_id, workflow_type, version, position) WHERE dead_at IS NOT NULL;
CREATE INDEX timers_dead_idx ON ironflow.timers (dead_at, workflow_id, workflow_type, generation, key) WHERE dead_at IS NOT NULL;

-- When the delivery was claimed, until its lease is settled. Together with run_at it tells those that somebody works on from
-- those that wait for their time.
ALTER TABLE ironflow.effects ADD COLUMN claimed_at timestamptz;
ALTER TABLE ironflow.timers ADD COLUMN claimed_at timestamptz;

-- Dead letters that somebody gave up, with everything that is needed to bring one back by hand. item is the effect's position,
-- or the timer's key.
CREATE TABLE ironflow.discarded_letters (
    workflow_id   text COLLATE "C" NOT NULL,
    workflow_type text COLLATE "C" NOT NULL,
    queue         text COLLATE "C" NOT NULL,
    version       bigint NOT NULL,
    item          text COLLATE "C" NOT NULL,
    kind          text COLLATE "C" NOT NULL,
    payload       json NOT NULL,
    attempts      int NOT NULL,
    last_error    text NOT NULL,
    due_at        timestamptz NOT NULL,
    dead_at       timestamptz NOT NULL,
    discarded_at  timestamptz NOT NULL,
    discarded_by  text NOT NULL,
    reason        text NOT NULL,
    PRIMARY KEY (workflow_id, workflow_type, queue, version, item, discarded_at)
);
CREATE INDEX discarded_letters_discarded_at_idx ON ironflow.discarded_letters (discarded_at, workflow_id, workflow_type, queue, version, item);

-- Workflows whose effects and timers nobody claims.
CREATE TABLE ironflow.paused_workflows (
    workflow_type text COLLATE "C" PRIMARY KEY,
    paused_at     timestamptz NOT NULL,
    paused_by     text NOT NULL,
    reason        text NOT NULL,
    refuse_inputs bool NOT NULL
);

-- Work that one process at a time does for all. run_at is when it is due; while somebody does it, when his lease ends.
CREATE TABLE ironflow.chores (
    name   text COLLATE "C" PRIMARY KEY,
    run_at timestamptz NOT NULL,
    token  bigint NOT NULL
);
