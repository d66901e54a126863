-- Text that is part of a key is COLLATE "C": bytes decide, on every machine, so that all writers lock rows in one order
-- and an operating system's new collation rules never corrupt an index.
--
-- Keys lead with the instance. With the workflow first, a planner with stale statistics scans every row of the workflow.

-- Each migration records the version that it leads to, and in oldest the oldest version whose library works on it, too.
CREATE TABLE ironflow.schema_migrations (
    version    int PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now(),
    oldest     int NOT NULL
);
INSERT INTO ironflow.schema_migrations (version, oldest) VALUES (1, 1);

-- An instance is there from its first event on. Its row is written when it is created, when it completes, and when it is deleted:
-- what happens in between stands in its events, whose key orders its writers. status is the workflow's status at completion, and NULL
-- before. Whoever wants an instance for itself locks this row first, see lock_instances.
CREATE TABLE ironflow.instances (
    instance     text COLLATE "C" NOT NULL,
    workflow     text COLLATE "C" NOT NULL,
    created_at   timestamptz NOT NULL,
    completed_at timestamptz,
    status       text COLLATE "C",
    PRIMARY KEY (instance, workflow)
) WITH (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02
);

-- For lists of instances, the newest first: of those that are active, and of those that have completed. Only the commit that
-- completes an instance changes what is in them. Both are ordered by workflow first, and a list of all workflows reads them one
-- by one.
--
-- Their conditions do not say IS NULL, which completions and locks ask of the rows they look up by key: the planner would
-- take it for a reason to read such an index as a whole, as it does while it believes that the table is empty.
CREATE INDEX instances_active_idx ON ironflow.instances (workflow, created_at, instance)
    WHERE coalesce(completed_at, timestamptz 'infinity') = timestamptz 'infinity';
CREATE INDEX instances_completed_idx ON ironflow.instances (workflow, created_at, instance)
    WHERE coalesce(completed_at, timestamptz 'infinity') < timestamptz 'infinity';

-- CACHE 1: with a larger cache, a session would hand out old numbers long after others took newer ones, and readers in
-- the order of the sequence would miss them.
CREATE SEQUENCE ironflow.events_global_sequence AS bigint CACHE 1;

-- Payloads are json, not jsonb: text that was checked and comes back byte for byte, \u0000 included.
--
-- commit_id is the writer's own number of the commit, here and in the tables below. It finds with it what became of a commit whose
-- answer was lost. And a database that was set back, by a failover to a standby that lacked the last commits or from a backup, gives
-- the same versions and tokens a second time: the commit tells the histories apart.
--
-- The key is where writers of an instance meet: of two that store an event of one version, the second waits for the first, and then
-- conflicts. The last event of a change has the workflow's status after the change, and says in completes whether the instance has
-- completed by it. The first event of an instance has its parent, who hears of the instance's end. The cause of a decision stands with
-- its first event: which input it was, and where that came from. Where there is nothing to say, these columns are NULL and take no
-- space.
--
-- An event of the commit -1 is no event either, but a mark of package cells: it keeps an id free for an instance of another database. See
-- cells.go.
--
-- An event of the commit 0 is no event: lock_instances keeps a version free with it, and it is gone before its transaction commits.
--
-- The index on global_sequence is not unique: the sequence sees to that, and uniqueness across instances would keep the
-- table from being distributed by instance.
CREATE TABLE ironflow.events (
    instance        text COLLATE "C" NOT NULL,
    workflow        text COLLATE "C" NOT NULL,
    version         bigint NOT NULL,
    global_sequence bigint NOT NULL DEFAULT nextval('ironflow.events_global_sequence'),
    type            text COLLATE "C" NOT NULL,
    schema_version  int NOT NULL,
    payload         json NOT NULL,
    recorded_at     timestamptz NOT NULL,
    commit_id       bigint NOT NULL,
    cause           json,
    status          text COLLATE "C",
    completes       bool,
    parent          json,
    PRIMARY KEY (instance, workflow, version)
) WITH (
    autovacuum_analyze_scale_factor = 0.02
);
ALTER SEQUENCE ironflow.events_global_sequence OWNED BY ironflow.events.global_sequence;
CREATE INDEX events_global_sequence_idx ON ironflow.events (global_sequence);

-- The newest state of an instance that was saved, so that only the events after it are replayed. schema names the shape of
-- the state. commit_id is the commit of the event of its version.
CREATE TABLE ironflow.snapshots (
    instance  text COLLATE "C" NOT NULL,
    workflow  text COLLATE "C" NOT NULL,
    version   bigint NOT NULL,
    schema    text COLLATE "C" NOT NULL,
    state     json NOT NULL,
    commit_id bigint NOT NULL,
    PRIMARY KEY (instance, workflow)
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.02
);

-- Queues: rows come and go, so vacuum by the number of dead rows rather than by their share.
--
-- run_at is both the due time and, while leased, the end of the lease. claimed_at is when the delivery was claimed, and holder the
-- name of the process that claimed it, until the lease is settled. Together with run_at, claimed_at tells those that somebody works
-- on from those that wait for their time.
--
-- blocked_since is when a process claimed the delivery for the first time and could not take it, because it does not know its
-- payload or an event of its instance. last_error has the reason. The next process that can take it sets blocked_since to NULL.
--
-- told_at is when the instance accepted the input that tells of the dead letter. commit_id is the commit that requested the
-- delivery, and part of its leases. trace is the W3C trace context of the decision.

-- limit_key is the value that the effect's limit counts separately. slot marks effects that were claimed under a limit; of these,
-- claimed_at tells which are leased. Effects without limits never have one, so that the indexes for limits cost them nothing.
--
-- A claim under a limit for each key walks along the claim index, and takes from each key what its limit allows. What is due beyond
-- the limit is parked: run_at moves into the future, and parked_from keeps the time it was due. So no claim meets it again. When an
-- effect of the key ends, a trigger makes the oldest parked one due. A parked effect also becomes due by itself after one to ten
-- minutes, so that nothing depends on the trigger but speed.
CREATE TABLE ironflow.effects (
    instance      text COLLATE "C" NOT NULL,
    workflow      text COLLATE "C" NOT NULL,
    version       bigint NOT NULL,
    position      int NOT NULL,
    kind          text COLLATE "C" NOT NULL,
    payload       json NOT NULL,
    run_at        timestamptz NOT NULL,
    attempts      int NOT NULL DEFAULT 0,
    token         bigint NOT NULL DEFAULT 0,
    last_error    text,
    due_at        timestamptz NOT NULL,
    died_at       timestamptz,
    trace         text,
    limit_key     text COLLATE "C",
    claimed_at    timestamptz,
    slot          bool,
    commit_id     bigint NOT NULL DEFAULT 0,
    blocked_since timestamptz,
    told_at       timestamptz,
    holder        text,
    parked_from   timestamptz,
    PRIMARY KEY (instance, workflow, version, position)
) WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.05
);

-- version is the version of the instance after the decision that started the timer, as it is that of effects: a key that is used
-- again does not accept the leases of the timer before. A schedule is a timer whose instance is empty, and whose commit_id is 0.
CREATE TABLE ironflow.timers (
    instance      text COLLATE "C" NOT NULL,
    workflow      text COLLATE "C" NOT NULL,
    key           text COLLATE "C" NOT NULL,
    version       bigint NOT NULL,
    kind          text COLLATE "C" NOT NULL,
    payload       json NOT NULL,
    due_at        timestamptz NOT NULL,
    run_at        timestamptz NOT NULL,
    attempts      int NOT NULL DEFAULT 0,
    token         bigint NOT NULL DEFAULT 0,
    last_error    text,
    died_at       timestamptz,
    trace         text,
    claimed_at    timestamptz,
    commit_id     bigint NOT NULL DEFAULT 0,
    blocked_since timestamptz,
    told_at       timestamptz,
    holder        text,
    PRIMARY KEY (instance, workflow, key)
) WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.05
);

-- Claims take what is due in one order: by time, and the effects of one instance as they were decided. The index has that order, so
-- that no claim sorts. Dead letters are not in it, so that no claim pays for them.
CREATE INDEX effects_claim_idx ON ironflow.effects (workflow, kind, run_at, version, position) WHERE died_at IS NULL;
CREATE INDEX timers_claim_idx ON ironflow.timers (workflow, kind, run_at) WHERE died_at IS NULL;

-- Blocked deliveries by kind. Others are not in the indexes and do not pay for them.
CREATE INDEX effects_blocked_idx ON ironflow.effects (workflow, kind, blocked_since)
    WHERE blocked_since IS NOT NULL AND died_at IS NULL;
CREATE INDEX timers_blocked_idx ON ironflow.timers (workflow, kind, blocked_since)
    WHERE blocked_since IS NOT NULL AND died_at IS NULL;

-- Dead letters in the order in which they died.
CREATE INDEX effects_dead_idx ON ironflow.effects (died_at, instance, workflow, version, position) WHERE died_at IS NOT NULL;
CREATE INDEX timers_dead_idx ON ironflow.timers (died_at, instance, workflow, version, key) WHERE died_at IS NOT NULL;

-- Dead letters that somebody has to decide about: by kind, to count each kind by itself, and in the order in which they died, to
-- list them however many there are that the instances were told of.
CREATE INDEX effects_dead_kind_idx ON ironflow.effects (workflow, kind, died_at) WHERE died_at IS NOT NULL AND told_at IS NULL;
CREATE INDEX timers_dead_kind_idx ON ironflow.timers (workflow, kind, died_at) WHERE died_at IS NOT NULL AND told_at IS NULL;
CREATE INDEX effects_not_told_idx ON ironflow.effects (died_at, instance, workflow, version, position)
    WHERE died_at IS NOT NULL AND told_at IS NULL;
CREATE INDEX timers_not_told_idx ON ironflow.timers (died_at, instance, workflow, version, key)
    WHERE died_at IS NOT NULL AND told_at IS NULL;

-- What limits park, and the leases that count against them. An effect that waits for its next attempt is not in these indexes.
CREATE INDEX effects_parked_idx ON ironflow.effects (workflow, kind, limit_key, parked_from, version, position)
    WHERE parked_from IS NOT NULL;
CREATE INDEX effects_slots_idx ON ironflow.effects (workflow, kind, run_at) WHERE slot AND claimed_at IS NOT NULL;
CREATE INDEX effects_key_slots_idx ON ironflow.effects (workflow, kind, limit_key, run_at)
    WHERE slot AND claimed_at IS NOT NULL AND limit_key IS NOT NULL;

-- One row for each limited kind. Whoever claims of the kind has it locked. empty_at is when the kind's token bucket was empty, see
-- store.Bucket.
CREATE TABLE ironflow.limits (
    workflow text COLLATE "C" NOT NULL,
    kind     text COLLATE "C" NOT NULL,
    empty_at timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (workflow, kind)
) WITH (fillfactor = 50);

-- Effects and timers that have ended, when nothing else in their instance says so: store.EndedDelivery. They go with their
-- instance. item is the effect's position, or the timer's key; by_... is the decision that ended it.
CREATE TABLE ironflow.ended_deliveries (
    instance    text COLLATE "C" NOT NULL,
    workflow    text COLLATE "C" NOT NULL,
    queue       text COLLATE "C" NOT NULL,
    version     bigint NOT NULL,
    item        text COLLATE "C" NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    ending      text COLLATE "C" NOT NULL,
    ended_at    timestamptz NOT NULL,
    attempts    int NOT NULL,
    by_instance text COLLATE "C" NOT NULL,
    by_workflow text COLLATE "C" NOT NULL,
    by_version  bigint NOT NULL,
    reason      text NOT NULL,
    PRIMARY KEY (instance, workflow, version, queue, item)
);

-- Dead letters that somebody gave up, with everything that is needed to bring one back by hand. item is the effect's position,
-- or the timer's key.
CREATE TABLE ironflow.discarded_letters (
    instance     text COLLATE "C" NOT NULL,
    workflow     text COLLATE "C" NOT NULL,
    queue        text COLLATE "C" NOT NULL,
    version      bigint NOT NULL,
    item         text COLLATE "C" NOT NULL,
    kind         text COLLATE "C" NOT NULL,
    payload      json NOT NULL,
    attempts     int NOT NULL,
    last_error   text NOT NULL,
    due_at       timestamptz NOT NULL,
    died_at      timestamptz NOT NULL,
    discarded_at timestamptz NOT NULL,
    discarded_by text NOT NULL,
    reason       text NOT NULL,
    PRIMARY KEY (instance, workflow, queue, version, item, discarded_at)
);
CREATE INDEX discarded_letters_discarded_at_idx ON ironflow.discarded_letters (discarded_at, instance, workflow, queue, version, item);

-- What operators did, with who and why. count grows with each transaction of an action. progress is where a bulk run is, and NULL for other
-- actions; revision counts how often the row was written.
CREATE TABLE ironflow.audit_log (
    id          text COLLATE "C" PRIMARY KEY,
    recorded_at timestamptz NOT NULL,
    ended_at    timestamptz,
    done_by     text NOT NULL,
    reason      text NOT NULL,
    operation   text COLLATE "C" NOT NULL,
    workflow    text COLLATE "C" NOT NULL,
    input       text COLLATE "C" NOT NULL,
    target      text NOT NULL,
    count       bigint NOT NULL,
    progress    json,
    revision    bigint NOT NULL
);
CREATE INDEX audit_log_recorded_at_idx ON ironflow.audit_log (recorded_at, id);

-- The only thing that is unique across instances. While the planner believes that the table is empty, any index that fits is as good
-- to it as any other. So the second index leaves the workflow out, and whoever looks for an instance compares workflow || '': each
-- statement then fits one index only, and none reads all keys of a workflow.
CREATE TABLE ironflow.unique_keys (
    workflow text COLLATE "C" NOT NULL,
    key      text COLLATE "C" NOT NULL,
    instance text COLLATE "C" NOT NULL,
    PRIMARY KEY (workflow, key)
);
CREATE INDEX unique_keys_instance_idx ON ironflow.unique_keys (instance);

-- The values of declared search fields. An empty value says that the instance has none any more: a value of an earlier version, which
-- comes later, does not replace it. version is that of the instance, with the change that led to the value.
CREATE TABLE ironflow.search (
    instance text COLLATE "C" NOT NULL,
    workflow text COLLATE "C" NOT NULL,
    field    text COLLATE "C" NOT NULL,
    value    text COLLATE "C" NOT NULL,
    version  bigint NOT NULL,
    PRIMARY KEY (instance, workflow, field)
) WITH (fillfactor = 90);
CREATE INDEX search_value_idx ON ironflow.search (workflow, field, value, instance) WHERE value <> '';

-- What became of an input that came with an id, so that the same one again has the same outcome.
CREATE TABLE ironflow.input_outcomes (
    instance    text COLLATE "C" NOT NULL,
    workflow    text COLLATE "C" NOT NULL,
    input_id    text COLLATE "C" NOT NULL,
    outcome     json NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (instance, workflow, input_id)
);
CREATE INDEX input_outcomes_recorded_at_idx ON ironflow.input_outcomes (recorded_at); -- for their retention

-- Inputs with what became of them. number tells apart what one instance had observed at one time.
CREATE TABLE ironflow.observations (
    instance          text COLLATE "C" NOT NULL,
    workflow          text COLLATE "C" NOT NULL,
    observed_at       timestamptz NOT NULL,
    number            bigint GENERATED ALWAYS AS IDENTITY,
    input             text COLLATE "C" NOT NULL,
    input_id          text COLLATE "C",
    payload           json NOT NULL,
    outcome           text COLLATE "C" NOT NULL,
    version           bigint NOT NULL,
    rejection         text COLLATE "C",
    rejection_payload json,
    PRIMARY KEY (instance, workflow, observed_at, number)
);
CREATE INDEX observations_observed_at_idx ON ironflow.observations (observed_at);

-- The keys that personal fields are encrypted with, one for each subject. A subject that is forgotten keeps its row, without a secret,
-- so that it gets no other key.
CREATE TABLE ironflow.subject_keys (
    subject      text COLLATE "C" PRIMARY KEY,
    secret       text COLLATE "C",  -- base64; NULL when the subject is forgotten
    created_at   timestamptz NOT NULL,
    forgotten_at timestamptz,
    forgotten_by text,
    reason       text
);

-- Workflows whose effects and timers nobody claims.
CREATE TABLE ironflow.paused_workflows (
    workflow      text COLLATE "C" PRIMARY KEY,
    paused_at     timestamptz NOT NULL,
    paused_by     text NOT NULL,
    reason        text NOT NULL,
    refuse_inputs bool NOT NULL
);

-- The processes that run on the database, or did lately. digest names the manifest of the program, which describes its workflows.
CREATE TABLE ironflow.programs (
    process    text COLLATE "C" NOT NULL,
    digest     text COLLATE "C" NOT NULL,
    version    text COLLATE "C" NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    until      timestamptz NOT NULL,
    stopped_at timestamptz,
    PRIMARY KEY (process, digest)
);
CREATE TABLE ironflow.manifests (
    digest   text COLLATE "C" PRIMARY KEY,
    manifest json NOT NULL
);

-- What is known of the cell that this database is; one row, or none if it has never been one. list is the newest list of cells. Who has
-- a list whose newest generation is older than oldest_list creates no instances here.
CREATE TABLE ironflow.cell (
    number      int PRIMARY KEY CHECK (number = 1),
    store       text COLLATE "C" NOT NULL,
    name        text COLLATE "C" NOT NULL,
    list        json NOT NULL,
    oldest_list bigint NOT NULL,
    revision    bigint NOT NULL
);

-- Work that one process at a time does for all. run_at is when it is due; while a process does it, when its lease ends.
CREATE TABLE ironflow.chores (
    name   text COLLATE "C" PRIMARY KEY,
    run_at timestamptz NOT NULL,
    token  bigint NOT NULL
);

-- What is known of each projection. A step of its owner changes the row in the transaction of what the step writes. There
-- are few of them and they change often: no index besides the key, and room for new versions of a row in its page.
CREATE TABLE ironflow.projections (
    name        text COLLATE "C" PRIMARY KEY,
    status      text COLLATE "C" NOT NULL,  -- running, paused, stopped
    position    bigint NOT NULL,            -- global_sequence up to which everything is applied
    event_at    timestamptz,                -- recorded_at of the last event that was applied
    skipped     bigint NOT NULL DEFAULT 0,
    rebuild     boolean NOT NULL DEFAULT false,
    attempts    int NOT NULL DEFAULT 0,
    last_error  text,
    stopped_at  bigint,                     -- global_sequence of the event that cannot be applied
    owner       text,                       -- the process that runs it, until lease_until
    token       bigint NOT NULL DEFAULT 0,
    lease_until timestamptz,
    updated_at  timestamptz NOT NULL
) WITH (
    fillfactor = 20,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 200
);

-- What a function means does not depend on the search_path of who calls it: each sets its own.

-- Statements that find that something does not hold call this, because COMMIT is on its way behind them: an error is the
-- only thing that stops it. Nothing calls it otherwise, so it costs nothing.
CREATE FUNCTION ironflow.refuse(code text, message text, detail text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING errcode = code, message = 'ironflow: ' || message, detail = coalesce(detail, '');
END
$$;

-- append_change stores the change of one instance, by statements that each do one row. For a single change that costs a
-- third less of the server's time, and of the client's, than the set-based statements: those are seven, and pay for arrays
-- and joins.
--
-- What it sets holds within the function only, and costs next to nothing. The plans are made under these settings: left
-- alone, the planner reads the whole of a table that was small when it looked, see useIndexes in queries.go. The wait for
-- each lock is the one of a batch.
--
-- Each statement must see what was committed before it began. A function cannot ask for that isolation level, so it refuses any
-- other, and the store sends the change again as a transaction that does ask.
--
-- The instance and its events come first: a conflict is found before any other reason to refuse. The transaction has its id before
-- events take numbers from the sequence, see horizon.go. The event before them is checked after them, see checkPredecessors in
-- queries.go. The delivery that caused the change goes before the timers come, so that a timer may start itself again.
CREATE FUNCTION ironflow.append_change(
    of_instance text, of_workflow text, expected bigint, now timestamptz, due timestamptz, complete bool, commit bigint,
    lease_queue text, lease_version bigint, lease_item text, lease_token bigint, -- of what caused the change; '' for nothing
    event_types text[], schema_versions int[], event_payloads text[],
    effect_kinds text[], effect_payloads text[],
    timer_keys text[], timer_kinds text[], timer_payloads text[], timer_times timestamptz[],
    cancelled_keys text[],
    reached_status text,                       -- '' for none, as in the arrays
    causes text[], effect_traces text[], limit_keys text[], timer_traces text[], -- may be shorter than the ones they go with
    lease_commit bigint,                       -- that made the delivery; 0 for a schedule
    last_commit bigint,                        -- of the event of the version expected; 0 for any
    lease_holder text, lease_until timestamptz, leased_effects bool[], leased_timers bool[] -- NULL when nothing is leased
) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off
SET jit = off
SET plan_cache_mode = force_generic_plan
SET lock_timeout = '50ms'
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    reached bigint := expected + cardinality(event_types);
    leased bool;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM ironflow.refuse('IF006', 'the isolation level is not READ COMMITTED', '');
    END IF;
    PERFORM pg_current_xact_id();

    IF expected = 0 THEN
        -- The change was not made by a list of cells, so a store that takes only some lists refuses it.
        INSERT INTO ironflow.instances (instance, workflow, created_at, completed_at, status)
        SELECT of_instance, of_workflow, now, CASE WHEN complete THEN now END, CASE WHEN complete THEN nullif(reached_status, '') END
        WHERE NOT EXISTS (SELECT FROM ironflow.cell c WHERE c.oldest_list > 0)
        ON CONFLICT (instance, workflow) DO NOTHING;
        IF NOT FOUND THEN
            PERFORM ironflow.refuse('IF007', 'the list of cells is older than the store takes', c.oldest_list::text)
            FROM ironflow.cell c WHERE c.oldest_list > 0;
            PERFORM ironflow.refuse('IF001', 'an instance exists already', '');
        END IF;
    ELSIF complete THEN
        UPDATE ironflow.instances i SET completed_at = now, status = nullif(reached_status, '')
        WHERE i.instance = of_instance AND i.workflow = of_workflow AND i.completed_at IS NULL;
        IF NOT FOUND THEN
            PERFORM ironflow.refuse('IF001', 'an instance has completed', '');
        END IF;
    END IF;

    FOR n IN 1 .. cardinality(event_types) LOOP
        INSERT INTO ironflow.events
            (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id, cause, status, completes)
        VALUES
            (of_instance, of_workflow, expected + n, event_types[n], schema_versions[n], event_payloads[n]::json, now, commit,
             nullif(causes[n], '')::json,
             CASE WHEN expected + n = reached THEN nullif(reached_status, '') END,
             CASE WHEN expected + n = reached AND complete THEN true END);
    END LOOP;
    IF expected > 0 THEN
        PERFORM FROM ironflow.events e
        WHERE e.instance = of_instance AND e.workflow = of_workflow AND e.version = expected
          AND (last_commit = 0 OR e.commit_id = last_commit) AND e.completes IS NOT TRUE;
        IF NOT FOUND THEN
            PERFORM ironflow.refuse('IF001', 'an instance is not at the version that was read', '');
        END IF;
    END IF;

    IF lease_queue <> '' THEN
        IF lease_queue = 'effects' THEN
            DELETE FROM ironflow.effects q
            WHERE q.instance = of_instance AND q.workflow = of_workflow
              AND q.version = lease_version AND q.position = lease_item::int AND q.token = lease_token
              AND q.commit_id = lease_commit;
        ELSE
            DELETE FROM ironflow.timers q
            WHERE q.instance = of_instance AND q.workflow = of_workflow
              AND q.version = lease_version AND q.key = lease_item AND q.token = lease_token
              AND q.commit_id = lease_commit;
        END IF;
        IF NOT FOUND THEN
            PERFORM ironflow.refuse('IF003', 'a lease is lost', lease_queue || ' 1');
        END IF;
    END IF;

    IF cancelled_keys <> '{}' THEN
        DELETE FROM ironflow.timers t
        WHERE t.instance = of_instance AND t.workflow = of_workflow AND t.key = ANY (cancelled_keys);
    END IF;
    IF leased_effects IS NOT NULL AND EXISTS (SELECT FROM ironflow.paused_workflows p WHERE p.workflow = of_workflow) THEN
        PERFORM ironflow.refuse('IF005', 'a workflow is paused', of_workflow);
    END IF;
    -- A timer that replaces another begins as new. Its version is new, so no lease of the other fits it.
    FOR n IN 1 .. cardinality(timer_keys) LOOP
        leased := leased_timers[n]; -- NULL means no, here and below
        INSERT INTO ironflow.timers
            (instance, workflow, key, version, kind, payload, due_at, run_at, trace, commit_id, attempts, token, claimed_at, holder)
        VALUES
            (of_instance, of_workflow, timer_keys[n], reached, timer_kinds[n], timer_payloads[n]::json, timer_times[n],
             CASE WHEN leased THEN lease_until ELSE timer_times[n] END, nullif(timer_traces[n], ''), commit,
             CASE WHEN leased THEN 1 ELSE 0 END, CASE WHEN leased THEN 1 ELSE 0 END, CASE WHEN leased THEN due END,
             CASE WHEN leased THEN lease_holder END)
        ON CONFLICT (instance, workflow, key) DO UPDATE
        SET version = excluded.version, kind = excluded.kind, payload = excluded.payload,
            due_at = excluded.due_at, run_at = excluded.run_at, trace = excluded.trace, commit_id = excluded.commit_id,
            attempts = excluded.attempts, token = excluded.token, claimed_at = excluded.claimed_at, holder = excluded.holder,
            last_error = NULL, died_at = NULL, told_at = NULL, blocked_since = NULL;
    END LOOP;
    FOR n IN 1 .. cardinality(effect_kinds) LOOP
        leased := leased_effects[n];
        INSERT INTO ironflow.effects
            (instance, workflow, version, position, kind, payload, run_at, due_at, trace, limit_key, commit_id,
             attempts, token, claimed_at, holder)
        VALUES
            (of_instance, of_workflow, reached, n - 1, effect_kinds[n], effect_payloads[n]::json,
             CASE WHEN leased THEN lease_until ELSE due END, now, nullif(effect_traces[n], ''), nullif(limit_keys[n], ''), commit,
             CASE WHEN leased THEN 1 ELSE 0 END, CASE WHEN leased THEN 1 ELSE 0 END, CASE WHEN leased THEN due END,
             CASE WHEN leased THEN lease_holder END);
    END LOOP;

    IF complete THEN
        DELETE FROM ironflow.timers t WHERE t.instance = of_instance AND t.workflow = of_workflow;
        DELETE FROM ironflow.unique_keys u WHERE u.instance = of_instance AND u.workflow || '' = of_workflow;
    END IF;
END
$$;

-- lock_instances keeps everybody else from changing instances until the transaction ends, as far as they exist and are active, and
-- returns the numbers of those in the arrays. It waits for those who are changing one.
--
-- A lock on the instance's row keeps out who locks, completes or deletes it, and is fair among them. Other changes touch no row: they
-- insert the next event. So the next version is taken by a row that is no event. When somebody is inserting that version, the insert
-- waits for it, and takes the version behind. The transaction deletes the row before it stores events, or rolls back.
--
-- All rows of instances are locked before the first event, as changes do, so that two never wait for each other.
CREATE FUNCTION ironflow.lock_instances(ids text[], workflows text[]) RETURNS SETOF bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    locked bigint[];
    n bigint;
    last_version bigint;
    last_recorded timestamptz;
BEGIN
    SELECT array_agg(l.number) INTO locked
    FROM (
        SELECT k.number
        FROM (
            SELECT * FROM unnest(ids, workflows) WITH ORDINALITY AS u (instance, workflow, number)
            ORDER BY u.instance COLLATE "C", u.workflow COLLATE "C"
        ) k
        CROSS JOIN LATERAL (
            SELECT FROM ironflow.instances i
            WHERE i.instance = k.instance AND i.workflow = k.workflow AND i.completed_at IS NULL
            FOR UPDATE
        ) i
    ) l;
    IF locked IS NULL THEN
        RETURN;
    END IF;
    FOREACH n IN ARRAY locked LOOP
        LOOP
            SELECT e.version, e.recorded_at INTO last_version, last_recorded FROM ironflow.events e
            WHERE e.instance = ids[n] AND e.workflow = workflows[n]
            ORDER BY e.version DESC
            LIMIT 1;
            EXIT WHEN NOT FOUND; -- somebody has deleted its events by hand
            INSERT INTO ironflow.events
                (instance, workflow, version, global_sequence, type, schema_version, payload, recorded_at, commit_id)
            VALUES (ids[n], workflows[n], last_version + 1, 0, '', 0, '{}', last_recorded, 0)
            ON CONFLICT (instance, workflow, version) DO NOTHING;
            EXIT WHEN FOUND;
        END LOOP;
        RETURN NEXT n;
    END LOOP;
END
$$;

-- feed_ticket returns the last number that the sequence of events has issued and, if that is more than known, the id of
-- a transaction that began to count after it was read. Why, and why in this order, stands in horizon.go. Without news no id
-- is used up.
--
-- A ticket counts only when it is as durable as a commit that was answered: after a crash or a failover, the server gives
-- numbers and transaction ids again that nothing in its log goes beyond. The message makes the commit wait until the log is written,
-- and sent to synchronous standbys, up to the ticket. Nobody reads it. With synchronous_commit off, the commit would not wait at all;
-- the ticket then waits for the log of this server.
CREATE FUNCTION ironflow.feed_ticket(known bigint, OUT issued bigint, OUT ticket bigint) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END INTO issued FROM ironflow.events_global_sequence;
    IF issued > known THEN
        ticket := pg_current_xact_id()::text::bigint;
        IF current_setting('synchronous_commit') = 'off' THEN
            PERFORM set_config('synchronous_commit', 'local', true);
        END IF;
        PERFORM pg_logical_emit_message(true, 'ironflow', '');
    END IF;
END
$$;

-- unpark makes the oldest parked effect of the key of OLD due. Its place in the order is the time at which OLD was claimed, so that
-- all keys have their turn.
CREATE FUNCTION ironflow.unpark() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE ironflow.effects e SET run_at = coalesce(OLD.claimed_at, e.parked_from), parked_from = NULL
    WHERE e.ctid = (
        SELECT p.ctid FROM ironflow.effects p
        WHERE p.workflow = OLD.workflow AND p.kind = OLD.kind AND p.limit_key = OLD.limit_key AND p.parked_from IS NOT NULL
        ORDER BY p.limit_key, p.parked_from, p.version, p.position LIMIT 1 FOR UPDATE SKIP LOCKED);
    RETURN NULL;
END
$$;
CREATE TRIGGER effects_unpark_after_delete AFTER DELETE ON ironflow.effects FOR EACH ROW
    WHEN (OLD.limit_key IS NOT NULL AND OLD.parked_from IS NULL) EXECUTE FUNCTION ironflow.unpark();
CREATE TRIGGER effects_unpark_after_update AFTER UPDATE ON ironflow.effects FOR EACH ROW
    WHEN (OLD.limit_key IS NOT NULL AND OLD.claimed_at IS NOT NULL AND NEW.claimed_at IS NULL AND NEW.parked_from IS NULL) EXECUTE FUNCTION ironflow.unpark();

-- claim_limited leases effects of one kind that are due from since to now, within its limits; a limit of 0 means no limit. It
-- takes nothing when another claim of the kind is under way. bucket_full, bucket_skew and seconds_per_token are a store.Bucket; NULL for
-- no rate.
--
-- The last row has no instance. Everything that is due before its reached is claimed or parked. Its again is when to claim next:
-- when there will be a token, if only that was missing, or at once, if there is more to look at.
CREATE FUNCTION ironflow.claim_limited(
    of_workflow text, of_kind text, now timestamptz, until timestamptz, most bigint,
    global_limit bigint, bucket_full timestamptz, bucket_skew timestamptz, seconds_per_token float8, key_limit bigint,
    since timestamptz, process text
) RETURNS TABLE (
    instance text, version bigint, "position" int, token bigint, commit_id bigint, payload json, due_at timestamptz,
    attempts int, last_error text, trace text, due timestamptz, blocked_since timestamptz, again timestamptz, reached timestamptz
) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_sort = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    stored timestamptz;   -- when the bucket was empty
    drained timestamptz;  -- when it counts as empty; NULL for no rate
    room bigint := most;
    look bigint;          -- how many are looked at in a pass
    looked bigint;
    taken bigint;
    total bigint := 0;
    fitting tid[];        -- of those that were looked at: what the limit of their key allows, as far as there is room
    excess tid[];         -- and what it does not allow
    excess_keys text[];   -- their keys, each once, with how many more are allowed but found no room
    excess_rest bigint[];
    held text[];          -- those of the keys whose limit may be free before this commits
    last_due timestamptz; -- of all that were looked at
    left_due timestamptz; -- the first that is left
    next_claim timestamptz;
    clean timestamptz := since;
BEGIN
    -- Polling a kind of which nothing is due writes nothing.
    IF NOT EXISTS (
        SELECT FROM ironflow.effects e
        WHERE e.workflow = of_workflow AND e.kind = of_kind AND e.died_at IS NULL AND e.run_at >= since AND e.run_at <= now
    ) THEN
        RETURN QUERY SELECT NULL::text, 0::bigint, 0, 0::bigint, 0::bigint, NULL::json, NULL::timestamptz, 0, NULL::text, NULL::text,
                            NULL::timestamptz, NULL::timestamptz, NULL::timestamptz, now;
        RETURN;
    END IF;
    INSERT INTO ironflow.limits (workflow, kind) VALUES (of_workflow, of_kind) ON CONFLICT DO NOTHING;
    SELECT l.empty_at INTO stored FROM ironflow.limits l WHERE l.workflow = of_workflow AND l.kind = of_kind FOR UPDATE SKIP LOCKED;
    IF NOT FOUND OR EXISTS (SELECT FROM ironflow.paused_workflows p WHERE p.workflow = of_workflow) THEN
        room := 0;
    ELSIF global_limit > 0 OR key_limit > 0 THEN
        -- Leases that have run out end here, so that a late heartbeat cannot extend what does not count any more. One that is locked may
        -- be about to be extended: it stays, and counts.
        UPDATE ironflow.effects e
        SET token = e.token + 1, claimed_at = NULL, holder = NULL
        FROM (
            SELECT l.ctid AS place FROM ironflow.effects l
            WHERE l.workflow = of_workflow AND l.kind = of_kind AND l.slot AND l.claimed_at IS NOT NULL
              AND l.run_at >= since AND l.run_at <= now
            FOR UPDATE SKIP LOCKED
        ) l
        WHERE e.ctid = l.place;
        IF global_limit > 0 THEN
            room := least(room, global_limit - (
                SELECT count(*) FROM ironflow.effects e
                WHERE e.workflow = of_workflow AND e.kind = of_kind AND e.slot AND e.claimed_at IS NOT NULL AND e.run_at >= since));
        END IF;
    END IF;
    IF seconds_per_token IS NOT NULL AND room > 0 THEN
        drained := CASE WHEN stored > bucket_skew THEN now ELSE greatest(stored, bucket_full) END;
        room := least(room, floor(extract(epoch FROM now - drained)::float8 / seconds_per_token + 0.001)::bigint);
        IF room < 1 THEN
            next_claim := drained + seconds_per_token * interval '1 s';
        END IF;
    END IF;

    -- The first pass looks at a few more than there is room for, so that a key that is far ahead of its limit is parked before
    -- others wait for it. The second steps over what is due beyond the limits.
    FOR pass IN 1 .. 2 LOOP
        EXIT WHEN room <= 0;
        look := room + CASE WHEN key_limit = 0 THEN 0 WHEN pass = 1 THEN 64 ELSE 1000 END;
        SELECT array_agg(j.place ORDER BY j.nth) FILTER (WHERE j.fits AND j.nth <= room),
               array_agg(j.place) FILTER (WHERE NOT j.fits),
               array_agg(j.limit_key) FILTER (WHERE j.first_excess),
               array_agg(j.rest) FILTER (WHERE j.first_excess),
               count(*), max(j.run_at), min(j.run_at) FILTER (WHERE j.fits AND j.nth > room)
        INTO fitting, excess, excess_keys, excess_rest, looked, last_due, left_due
        FROM (
            SELECT n.*, count(*) FILTER (WHERE n.fits AND n.nth > room) OVER (PARTITION BY n.limit_key) AS rest,
                   NOT n.fits AND n.of_key = greatest(key_limit - n.used, 0) + 1 AS first_excess
            FROM (
                SELECT f.*, count(*) FILTER (WHERE f.fits) OVER (ORDER BY f.number) AS nth
                FROM (
                    SELECT u.*, u.limit_key IS NULL OR key_limit = 0 OR u.used + u.of_key <= key_limit AS fits
                    FROM (
                        SELECT k.*, max(CASE WHEN k.of_key = 1 AND key_limit > 0 THEN (
                                   SELECT count(*) FROM ironflow.effects s
                                   WHERE s.workflow = of_workflow AND s.kind = of_kind AND s.limit_key = k.limit_key
                                     AND s.slot AND s.claimed_at IS NOT NULL AND s.run_at >= since) END
                               ) OVER (PARTITION BY k.limit_key) AS used
                        FROM (
                            SELECT d.*, row_number() OVER (PARTITION BY d.limit_key ORDER BY d.number) AS of_key
                            FROM (
                                SELECT w.*, row_number() OVER () AS number
                                FROM (
                                    SELECT e.ctid AS place, e.limit_key, e.run_at FROM ironflow.effects e
                                    WHERE e.workflow = of_workflow AND e.kind = of_kind AND e.died_at IS NULL
                                      AND e.run_at >= since AND e.run_at <= now
                                    ORDER BY e.run_at, e.version, e.position LIMIT look
                                ) w
                            ) d
                        ) k
                    ) u
                ) f
            ) n
        ) j;
        IF looked = 0 THEN
            clean := now;
            EXIT;
        END IF;

        RETURN QUERY
        UPDATE ironflow.effects e
        SET attempts = e.attempts + 1, token = e.token + 1, run_at = until, claimed_at = now, slot = true, parked_from = NULL,
            holder = process
        FROM (
            SELECT l.ctid AS place, l.run_at FROM ironflow.effects l
            WHERE l.ctid = ANY (fitting) AND l.workflow = of_workflow AND l.kind = of_kind AND l.died_at IS NULL AND l.run_at <= now
            FOR UPDATE SKIP LOCKED
        ) l
        WHERE e.ctid = l.place
        RETURNING e.instance, e.version, e.position, e.token, e.commit_id, e.payload, e.due_at, e.attempts, coalesce(e.last_error, ''),
                  coalesce(e.trace, ''), l.run_at,
                  e.blocked_since, NULL::timestamptz, NULL::timestamptz;
        GET DIAGNOSTICS taken = ROW_COUNT;
        total := total + taken;
        room := room - taken;

        IF excess IS NOT NULL THEN
            -- What is parked waits for the end of another effect of its key. A lease that somebody is ending just now would end
            -- before there is anything to wake: the lock on the others makes them end after this commits. A key with too few
            -- of those is left as it is, for the next claim.
            held := ARRAY(
                SELECT k.limit_key FROM unnest(excess_keys, excess_rest) AS k (limit_key, rest)
                WHERE key_limit > k.rest + (
                    SELECT count(*) FROM (
                        SELECT FROM ironflow.effects s
                        WHERE s.workflow = of_workflow AND s.kind = of_kind AND s.limit_key = k.limit_key
                          AND s.slot AND s.claimed_at IS NOT NULL AND s.run_at >= since
                        LIMIT key_limit FOR SHARE SKIP LOCKED
                    ) s));
            UPDATE ironflow.effects e
            SET parked_from = coalesce(e.parked_from, e.run_at),
                run_at = now + greatest(interval '1 min', least(interval '10 min', now - coalesce(e.parked_from, e.run_at))),
                claimed_at = NULL, holder = NULL
            FROM (
                SELECT l.ctid AS place FROM ironflow.effects l
                WHERE l.ctid = ANY (excess) AND l.workflow = of_workflow AND l.kind = of_kind AND l.died_at IS NULL
                  AND l.run_at <= now AND l.limit_key <> ALL (held)
                FOR UPDATE SKIP LOCKED
            ) l
            WHERE e.ctid = l.place;
            IF cardinality(held) > 0 THEN
                left_due := least(left_due, (SELECT min(e.run_at) FROM ironflow.effects e WHERE e.ctid = ANY (excess) AND e.run_at <= now));
            END IF;
        END IF;
        clean := coalesce(left_due, CASE WHEN looked < look THEN now ELSE last_due END);
        EXIT WHEN looked < look;
        IF pass = 2 AND room > 0 THEN
            next_claim := now;
        END IF;
    END LOOP;

    IF drained IS NOT NULL AND (total > 0 OR drained < stored) THEN
        UPDATE ironflow.limits l SET empty_at = drained + total * seconds_per_token * interval '1 s'
        WHERE l.workflow = of_workflow AND l.kind = of_kind;
    END IF;
    RETURN QUERY SELECT NULL::text, 0::bigint, 0, 0::bigint, 0::bigint, NULL::json, NULL::timestamptz, 0, NULL::text, NULL::text,
                        NULL::timestamptz, NULL::timestamptz, next_claim, clean;
END
$$;
