-- Times are microseconds since 1970 UTC. Nothing is unique across instances but the unique keys. There are no foreign keys:
-- an event, effect or timer is only ever written in the transaction that writes its instance.

-- Each migration records the version that it leads to, and in oldest the oldest version whose library works on it, too.
CREATE TABLE ironflow_schema (
    version INTEGER PRIMARY KEY,
    oldest  INTEGER NOT NULL
) STRICT;
INSERT INTO ironflow_schema (version, oldest) VALUES (1, 1);

-- An instance is there from its first event on. Its row is written when it is created, when it completes, and when it is deleted:
-- what happens in between stands in its events. status is the workflow's status at completion, and NULL before.
CREATE TABLE ironflow_instances (
    instance     TEXT    NOT NULL,
    workflow     TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    completed_at INTEGER,
    status       TEXT,
    PRIMARY KEY (instance, workflow)
) STRICT, WITHOUT ROWID;

-- For lists of instances, the newest first: of those that are active, and of those that have completed. A list of all
-- workflows reads them one by one.
CREATE INDEX ironflow_instances_active ON ironflow_instances (workflow, created_at, instance) WHERE completed_at IS NULL;
CREATE INDEX ironflow_instances_completed ON ironflow_instances (workflow, created_at, instance) WHERE completed_at IS NOT NULL;

-- Rows lie in the order of the global sequence, so that an append goes to the end and a feed reads straight on. With one
-- writer at a time that order is also the order of commits. AUTOINCREMENT keeps the number of a deleted event from being
-- given out again.
--
-- A file that was set back to a copy gives the same versions and tokens a second time. The commit that made a row tells the histories
-- apart, here and in the tables below.
--
-- An event of the commit -1 is no event, but a mark of package cells: it keeps an id free for an instance of another store. Its
-- global_sequence is below 0.
--
-- The last event of a change has the workflow's status after the change, and says in completes whether the instance has completed by it.
-- The first event of an instance has its parent, who hears of the instance's end. The cause of a decision stands with its first event:
-- which input it was, and where that came from.
CREATE TABLE ironflow_events (
    global_sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    instance        TEXT    NOT NULL,
    workflow        TEXT    NOT NULL,
    version         INTEGER NOT NULL,
    type            TEXT    NOT NULL,
    schema_version  INTEGER NOT NULL,
    payload         TEXT    NOT NULL,
    recorded_at     INTEGER NOT NULL,
    commit_id       INTEGER NOT NULL,
    cause           TEXT,
    status          TEXT,
    completes       INTEGER,
    parent          TEXT,
    UNIQUE (instance, workflow, version)
) STRICT;

-- What is known of the cell that this file is; one row, or none if it has never been one. list is the newest list of cells. Who has a
-- list whose newest generation is older than oldest_list creates no instances here.
CREATE TABLE ironflow_cell (
    number      INTEGER PRIMARY KEY CHECK (number = 1),
    store       TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    list        TEXT    NOT NULL,
    oldest_list INTEGER NOT NULL,
    revision    INTEGER NOT NULL
) STRICT;

-- The newest state that was kept of an instance. It is large, so that a table without rowid would not suit it. commit_id is the
-- commit of the event of its version.
CREATE TABLE ironflow_snapshots (
    instance  TEXT    NOT NULL,
    workflow  TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    schema    TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    commit_id INTEGER NOT NULL,
    PRIMARY KEY (instance, workflow)
) STRICT;

-- The outbox; a finished effect is deleted.
--
-- run_at is both when an effect is due and when its lease ends. claimed_at is when the delivery was claimed, and holder the name of the
-- process that claimed it, until the lease is settled. Together with run_at, claimed_at tells those that somebody works on from those
-- that wait for their time.
--
-- blocked_since is when a process claimed the delivery for the first time and could not take it, because it does not know its
-- payload or an event of its instance. last_error has the reason. The next process that can take it sets blocked_since to NULL.
--
-- told_at is when the instance accepted the input that tells of the dead letter. commit_id is the commit that requested the
-- delivery, and part of its leases. trace is the W3C trace context of the decision.
--
-- limit_key is the value that the effect's limit counts separately. slot marks effects that were claimed under a limit; of these,
-- claimed_at tells which are leased. What is due beyond the limit of its key is parked: run_at moves into the future, and parked_from
-- keeps the time it was due. So no claim meets it again. When an effect of the key ends, a trigger makes the oldest parked one due.
-- Its place in the order is the time at which the one that ended was claimed, so that all keys have their turn. A parked effect also
-- becomes due by itself after one to ten minutes.
CREATE TABLE ironflow_effects (
    instance      TEXT    NOT NULL,
    workflow      TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    position      INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    payload       TEXT    NOT NULL,
    run_at        INTEGER NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    token         INTEGER NOT NULL DEFAULT 0,
    last_error    TEXT,
    due_at        INTEGER NOT NULL,
    died_at       INTEGER,
    trace         TEXT,
    limit_key     TEXT,
    claimed_at    INTEGER,
    slot          INTEGER,
    commit_id     INTEGER NOT NULL DEFAULT 0,
    blocked_since INTEGER,
    told_at       INTEGER,
    holder        TEXT,
    parked_from   INTEGER,
    PRIMARY KEY (instance, workflow, version, position)
) STRICT, WITHOUT ROWID;

-- version is the version of the instance that started the timer: a key that is used again does not accept the leases
-- of the timer before. A schedule is a timer whose instance is empty, and whose commit_id is 0.
CREATE TABLE ironflow_timers (
    instance      TEXT    NOT NULL,
    workflow      TEXT    NOT NULL,
    key           TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    payload       TEXT    NOT NULL,
    due_at        INTEGER NOT NULL,
    run_at        INTEGER NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    token         INTEGER NOT NULL DEFAULT 0,
    last_error    TEXT,
    died_at       INTEGER,
    trace         TEXT,
    claimed_at    INTEGER,
    commit_id     INTEGER NOT NULL DEFAULT 0,
    blocked_since INTEGER,
    told_at       INTEGER,
    holder        TEXT,
    PRIMARY KEY (instance, workflow, key)
) STRICT, WITHOUT ROWID;

-- Claims take what is due in one order: by time, and the effects of one instance as they were decided. Dead letters are not in the
-- index, so that however many there are, no claim steps over them.
CREATE INDEX ironflow_effects_due ON ironflow_effects (workflow, kind, run_at, version, position) WHERE died_at IS NULL;
CREATE INDEX ironflow_timers_due ON ironflow_timers (workflow, kind, run_at) WHERE died_at IS NULL;

-- Blocked deliveries by kind. Others are not in the indexes and do not pay for them.
CREATE INDEX ironflow_effects_blocked ON ironflow_effects (workflow, kind, blocked_since)
    WHERE blocked_since IS NOT NULL AND died_at IS NULL;
CREATE INDEX ironflow_timers_blocked ON ironflow_timers (workflow, kind, blocked_since)
    WHERE blocked_since IS NOT NULL AND died_at IS NULL;

-- Dead letters in the order in which they died.
CREATE INDEX ironflow_effects_dead ON ironflow_effects (died_at, instance, workflow, version, position) WHERE died_at IS NOT NULL;
CREATE INDEX ironflow_timers_dead ON ironflow_timers (died_at, instance, workflow, version, key) WHERE died_at IS NOT NULL;

-- Dead letters that somebody has to decide about: by kind, to count each kind by itself, and in the order in which they died, to
-- list them however many there are that the instances were told of.
CREATE INDEX ironflow_effects_dead_kind ON ironflow_effects (workflow, kind, died_at)
    WHERE died_at IS NOT NULL AND told_at IS NULL;
CREATE INDEX ironflow_timers_dead_kind ON ironflow_timers (workflow, kind, died_at)
    WHERE died_at IS NOT NULL AND told_at IS NULL;
CREATE INDEX ironflow_effects_not_told ON ironflow_effects (died_at, instance, workflow, version, position)
    WHERE died_at IS NOT NULL AND told_at IS NULL;
CREATE INDEX ironflow_timers_not_told ON ironflow_timers (died_at, instance, workflow, version, key)
    WHERE died_at IS NOT NULL AND told_at IS NULL;

-- What limits park, and the leases that count against them. An effect that waits for its next attempt is not in these indexes.
CREATE INDEX ironflow_effects_parked ON ironflow_effects (workflow, kind, limit_key, parked_from, version, position)
    WHERE parked_from IS NOT NULL;
CREATE INDEX ironflow_effects_slots ON ironflow_effects (workflow, kind, run_at) WHERE slot = 1 AND claimed_at IS NOT NULL;
CREATE INDEX ironflow_effects_key_slots ON ironflow_effects (workflow, kind, limit_key, run_at)
    WHERE slot = 1 AND claimed_at IS NOT NULL AND limit_key IS NOT NULL;

CREATE TRIGGER ironflow_effects_unpark_after_delete AFTER DELETE ON ironflow_effects
WHEN OLD.limit_key IS NOT NULL AND OLD.parked_from IS NULL
BEGIN
    UPDATE ironflow_effects SET run_at = coalesce(OLD.claimed_at, parked_from), parked_from = NULL
    WHERE (instance, workflow, version, position) = (
        SELECT instance, workflow, version, position FROM ironflow_effects
        WHERE workflow = OLD.workflow AND kind = OLD.kind AND limit_key = OLD.limit_key AND parked_from IS NOT NULL
        ORDER BY parked_from, version, position LIMIT 1);
END;

CREATE TRIGGER ironflow_effects_unpark_after_update AFTER UPDATE OF claimed_at ON ironflow_effects
WHEN OLD.limit_key IS NOT NULL AND OLD.claimed_at IS NOT NULL AND NEW.claimed_at IS NULL AND NEW.parked_from IS NULL
BEGIN
    UPDATE ironflow_effects SET run_at = OLD.claimed_at, parked_from = NULL
    WHERE (instance, workflow, version, position) = (
        SELECT instance, workflow, version, position FROM ironflow_effects
        WHERE workflow = OLD.workflow AND kind = OLD.kind AND limit_key = OLD.limit_key AND parked_from IS NOT NULL
        ORDER BY parked_from, version, position LIMIT 1);
END;

-- One row for each kind with a rate: when its token bucket was empty, see store.Bucket.
CREATE TABLE ironflow_limits (
    workflow TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    empty_at INTEGER NOT NULL,
    PRIMARY KEY (workflow, kind)
) STRICT, WITHOUT ROWID;

-- Effects and timers that have ended, when nothing else in their instance says so: store.EndedDelivery. They go with their
-- instance. item is the effect's position, or the timer's key; by_... is the decision that ended it.
CREATE TABLE ironflow_ended_deliveries (
    instance    TEXT    NOT NULL,
    workflow    TEXT    NOT NULL,
    queue       TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    item        TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    ending      TEXT    NOT NULL,
    ended_at    INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    by_instance TEXT    NOT NULL,
    by_workflow TEXT    NOT NULL,
    by_version  INTEGER NOT NULL,
    reason      TEXT    NOT NULL,
    PRIMARY KEY (instance, workflow, version, queue, item)
) STRICT, WITHOUT ROWID;

-- Dead letters that somebody gave up, with everything that is needed to bring one back by hand. item is the effect's
-- position, or the timer's key.
CREATE TABLE ironflow_discarded_letters (
    instance     TEXT    NOT NULL,
    workflow     TEXT    NOT NULL,
    queue        TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    item         TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    payload      TEXT    NOT NULL,
    attempts     INTEGER NOT NULL,
    last_error   TEXT    NOT NULL,
    due_at       INTEGER NOT NULL,
    died_at      INTEGER NOT NULL,
    discarded_at INTEGER NOT NULL,
    discarded_by TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    PRIMARY KEY (instance, workflow, queue, version, item, discarded_at)
) STRICT;
CREATE INDEX ironflow_discarded_letters_discarded
    ON ironflow_discarded_letters (discarded_at, instance, workflow, queue, version, item);

CREATE TABLE ironflow_unique_keys (
    workflow TEXT NOT NULL,
    key      TEXT NOT NULL,
    instance TEXT NOT NULL,
    PRIMARY KEY (workflow, key)
) STRICT, WITHOUT ROWID;

-- For the completion of an instance, which frees its keys.
CREATE INDEX ironflow_unique_keys_holder ON ironflow_unique_keys (instance, workflow);

-- What became of an input that came with an id, so that the same one again has the same outcome.
CREATE TABLE ironflow_input_outcomes (
    instance    TEXT    NOT NULL,
    workflow    TEXT    NOT NULL,
    input_id    TEXT    NOT NULL,
    outcome     TEXT    NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (instance, workflow, input_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX ironflow_input_outcomes_recorded ON ironflow_input_outcomes (recorded_at); -- for their retention

-- Inputs with what became of them. number tells apart what one instance had observed at one time.
CREATE TABLE ironflow_observations (
    number            INTEGER PRIMARY KEY AUTOINCREMENT,
    instance          TEXT    NOT NULL,
    workflow          TEXT    NOT NULL,
    observed_at       INTEGER NOT NULL,
    input             TEXT    NOT NULL,
    input_id          TEXT,
    payload           TEXT    NOT NULL,
    outcome           TEXT    NOT NULL,
    version           INTEGER NOT NULL,
    rejection         TEXT,
    rejection_payload TEXT
) STRICT;
CREATE INDEX ironflow_observations_instance ON ironflow_observations (instance, workflow, observed_at);
CREATE INDEX ironflow_observations_observed ON ironflow_observations (observed_at);

-- What operators did, with who and why. count grows with each transaction of an action. progress is where a bulk run is, and NULL for other
-- actions; revision counts how often the row was written.
CREATE TABLE ironflow_audit_log (
    id          TEXT    PRIMARY KEY,
    recorded_at INTEGER NOT NULL,
    ended_at    INTEGER,
    done_by     TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    operation   TEXT    NOT NULL,
    workflow    TEXT    NOT NULL,
    input       TEXT    NOT NULL,
    target      TEXT    NOT NULL,
    count       INTEGER NOT NULL,
    progress    TEXT,
    revision    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ironflow_audit_log_recorded ON ironflow_audit_log (recorded_at, id);

-- The processes that run on the file, or did lately. digest names the manifest of the program, which describes its workflows.
CREATE TABLE ironflow_programs (
    process    TEXT    NOT NULL,
    digest     TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    until      INTEGER NOT NULL,
    stopped_at INTEGER,
    PRIMARY KEY (process, digest)
) STRICT, WITHOUT ROWID;
CREATE TABLE ironflow_manifests (
    digest   TEXT PRIMARY KEY,
    manifest TEXT NOT NULL
) STRICT;

-- The keys that personal fields are encrypted with, one for each subject. A subject that is forgotten keeps its row, without a secret,
-- so that it gets no other key.
CREATE TABLE ironflow_subject_keys (
    subject      TEXT    PRIMARY KEY,
    secret       TEXT,              -- base64; NULL when the subject is forgotten
    created_at   INTEGER NOT NULL,
    forgotten_at INTEGER,
    forgotten_by TEXT,
    reason       TEXT
) STRICT, WITHOUT ROWID;

-- Workflows whose effects and timers nobody claims.
CREATE TABLE ironflow_paused_workflows (
    workflow      TEXT    PRIMARY KEY,
    paused_at     INTEGER NOT NULL,
    paused_by     TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    refuse_inputs INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Work that one process at a time does for all. run_at is when it is due; while a process does it, when its lease ends.
CREATE TABLE ironflow_chores (
    name   TEXT    PRIMARY KEY,
    run_at INTEGER NOT NULL,
    token  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is known of each projection. A step of its owner changes the row in the transaction of what the step writes.
CREATE TABLE ironflow_projections (
    name        TEXT    PRIMARY KEY,
    status      TEXT    NOT NULL,  -- running, paused, stopped
    position    INTEGER NOT NULL,  -- global_sequence up to which everything is applied
    event_at    INTEGER,           -- recorded_at of the last event that was applied
    skipped     INTEGER NOT NULL DEFAULT 0,
    rebuild     INTEGER NOT NULL DEFAULT 0,
    attempts    INTEGER NOT NULL DEFAULT 0,
    last_error  TEXT,
    stopped_at  INTEGER,           -- global_sequence of the event that cannot be applied
    owner       TEXT,              -- the process that runs it, until lease_until
    token       INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The values of declared search fields. An empty value says that the instance has none any more: a value of an earlier version, which
-- comes later, does not replace it.
CREATE TABLE ironflow_search (
    instance TEXT    NOT NULL,
    workflow TEXT    NOT NULL,
    field    TEXT    NOT NULL,
    value    TEXT    NOT NULL,
    version  INTEGER NOT NULL,  -- of the instance, with the change that led to the value
    PRIMARY KEY (instance, workflow, field)
) STRICT, WITHOUT ROWID;
CREATE INDEX ironflow_search_value ON ironflow_search (workflow, field, value, instance) WHERE value <> '';
