-- status is the workflow's status after the instance's last event. parent is who hears of the instance's end. Neither is
-- indexed: every commit changes the row.
ALTER TABLE ironflow.instances ADD COLUMN status text COLLATE "C", ADD COLUMN parent json;

-- The cause of a decision stands with its first event: which input it was, and where that came from.
ALTER TABLE ironflow.events ADD COLUMN cause json;

-- trace is the W3C trace context of the decision. limit_key is the value that the effect's limit counts separately.
ALTER TABLE ironflow.effects ADD COLUMN trace text, ADD COLUMN limit_key text COLLATE "C";
ALTER TABLE ironflow.timers ADD COLUMN trace text;

-- What became of an input that came with an id, so that the same one again has the same outcome.
CREATE TABLE ironflow.input_outcomes (
    workflow_id   text COLLATE "C" NOT NULL,
    workflow_type text COLLATE "C" NOT NULL,
    input_id      text COLLATE "C" NOT NULL,
    outcome       json NOT NULL,
    recorded_at   timestamptz NOT NULL,
    PRIMARY KEY (workflow_id, workflow_type, input_id)
);
CREATE INDEX input_outcomes_recorded_at_idx ON ironflow.input_outcomes (recorded_at); -- for their retention

-- Inputs with what became of them. number tells apart what one instance had observed at one time.
CREATE TABLE ironflow.observations (
    workflow_id       text COLLATE "C" NOT NULL,
    workflow_type     text COLLATE "C" NOT NULL,
    observed_at       timestamptz NOT NULL,
    number            bigint GENERATED ALWAYS AS IDENTITY,
    input             text COLLATE "C" NOT NULL,
    input_id          text COLLATE "C",
    payload           json NOT NULL,
    outcome           text COLLATE "C" NOT NULL,
    version           bigint NOT NULL,
    rejection         text COLLATE "C",
    rejection_payload json,
    PRIMARY KEY (workflow_id, workflow_type, observed_at, number)
);
CREATE INDEX observations_observed_at_idx ON ironflow.observations (observed_at);

-- append_change takes what is new here; what it does is described in the migration that brought it.
DROP FUNCTION ironflow.append_change;
CREATE FUNCTION ironflow.append_change(
    instance text, workflow text, expected bigint, now timestamptz, due timestamptz, complete bool, commit bigint,
    lease_queue text, lease_version bigint, lease_item text, lease_token bigint, -- of what caused the change; '' for nothing
    event_types text[], schema_versions int[], event_payloads text[],
    effect_kinds text[], effect_payloads text[],
    timer_keys text[], timer_inputs text[], timer_payloads text[], timer_times timestamptz[],
    cancelled_keys text[],
    reached_status text,                       -- '' for none, as in the arrays
    causes text[], effect_traces text[], limit_keys text[], timer_traces text[] -- may be shorter than the ones they go with
) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off
SET jit = off
SET plan_cache_mode = force_generic_plan
SET lock_timeout = '50ms'
AS $$
DECLARE
    reached bigint := expected + cardinality(event_types);
BEGIN
    IF expected = 0 THEN
        INSERT INTO ironflow.instances
            (workflow_id, workflow_type, version, created_at, last_event_at, completed_at, status)
        VALUES (instance, workflow, reached, now, now, CASE WHEN complete THEN now END, nullif(reached_status, ''))
        ON CONFLICT (workflow_id, workflow_type) DO NOTHING;
        IF NOT FOUND THEN
            PERFORM ironflow.refuse('IF001', 'an instance exists already', '');
        END IF;
    ELSE
        UPDATE ironflow.instances i
        SET version = reached, last_event_at = now, completed_at = CASE WHEN complete THEN now END,
            status = nullif(reached_status, '')
        WHERE i.workflow_id = instance AND i.workflow_type = workflow AND i.version = expected AND i.completed_at IS NULL;
        IF NOT FOUND THEN
            PERFORM ironflow.refuse('IF001', 'an instance is not at the version that was read', '');
        END IF;
    END IF;

    IF lease_queue <> '' THEN
        IF lease_queue = 'effects' THEN
            DELETE FROM ironflow.effects q
            WHERE q.workflow_id = instance AND q.workflow_type = workflow
              AND q.version = lease_version AND q.position = lease_item::int AND q.token = lease_token;
        ELSE
            DELETE FROM ironflow.timers q
            WHERE q.workflow_id = instance AND q.workflow_type = workflow
              AND q.generation = lease_version AND q.key = lease_item AND q.token = lease_token;
        END IF;
        IF NOT FOUND THEN
            PERFORM ironflow.refuse('IF003', 'a lease is lost', lease_queue || ' 1');
        END IF;
    END IF;

    FOR n IN 1 .. cardinality(event_types) LOOP
        INSERT INTO ironflow.events
            (workflow_id, workflow_type, version, type, schema_version, payload, recorded_at, commit_id, cause)
        VALUES
            (instance, workflow, expected + n, event_types[n], schema_versions[n], event_payloads[n]::json, now, commit,
             nullif(causes[n], '')::json);
    END LOOP;

    IF cancelled_keys <> '{}' THEN
        DELETE FROM ironflow.timers t
        WHERE t.workflow_id = instance AND t.workflow_type = workflow AND t.key = ANY (cancelled_keys);
    END IF;
    -- The token of a timer that is replaced stays as it is: the generation is new, and a lease names both.
    FOR n IN 1 .. cardinality(timer_keys) LOOP
        INSERT INTO ironflow.timers (workflow_id, workflow_type, key, generation, input, payload, fire_at, run_at, trace)
        VALUES
            (instance, workflow, timer_keys[n], reached, timer_inputs[n], timer_payloads[n]::json, timer_times[n], timer_times[n],
             nullif(timer_traces[n], ''))
        ON CONFLICT (workflow_id, workflow_type, key) DO UPDATE
        SET generation = excluded.generation, input = excluded.input, payload = excluded.payload,
            fire_at = excluded.fire_at, run_at = excluded.run_at, trace = excluded.trace,
            attempts = 0, last_error = NULL, dead_at = NULL;
    END LOOP;
    FOR n IN 1 .. cardinality(effect_kinds) LOOP
        INSERT INTO ironflow.effects
            (workflow_id, workflow_type, version, position, kind, payload, run_at, created_at, trace, limit_key)
        VALUES
            (instance, workflow, reached, n - 1, effect_kinds[n], effect_payloads[n]::json, due, now,
             nullif(effect_traces[n], ''), nullif(limit_keys[n], ''));
    END LOOP;

    IF complete THEN
        DELETE FROM ironflow.timers t WHERE t.workflow_id = instance AND t.workflow_type = workflow;
        DELETE FROM ironflow.unique_keys u WHERE u.workflow_id = instance AND u.workflow_type = workflow;
    END IF;
END
$$;
