DROP FUNCTION ironflow.append_change;
DROP TABLE ironflow.observations;
DROP TABLE ironflow.input_outcomes;
ALTER TABLE ironflow.timers DROP COLUMN trace;
ALTER TABLE ironflow.effects DROP COLUMN trace, DROP COLUMN limit_key;
ALTER TABLE ironflow.events DROP COLUMN cause;
ALTER TABLE ironflow.instances DROP COLUMN status, DROP COLUMN parent;
-- append_change stores the change of one instance, by statements that each do one row. For a single change that costs a
-- third less of the server's time, and of the client's, than the set-based statements: those are seven, and pay for arrays
-- and joins.
--
-- What it sets holds within the function only, and costs next to nothing. The plans are made under these settings: left
-- alone, the planner reads the whole of a table that was small when it looked, see useIndexes in queries.go. The wait for
-- each lock is the one of a batch.
--
-- The instance comes first: it gives the transaction its id before events take numbers from the sequence, and a conflict is
-- found before any other reason to refuse. The delivery that caused the change goes before the timers come, so that a timer
-- may start itself again.
CREATE FUNCTION ironflow.append_change(
    instance text, workflow text, expected bigint, now timestamptz, due timestamptz, complete bool, commit bigint,
    lease_queue text, lease_version bigint, lease_item text, lease_token bigint, -- of what caused the change; '' for nothing
    event_types text[], schema_versions int[], event_payloads text[],
    effect_kinds text[], effect_payloads text[],
    timer_keys text[], timer_inputs text[], timer_payloads text[], timer_times timestamptz[],
    cancelled_keys text[]
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
        INSERT INTO ironflow.instances (workflow_id, workflow_type, version, created_at, last_event_at, completed_at)
        VALUES (instance, workflow, reached, now, now, CASE WHEN complete THEN now END)
        ON CONFLICT (workflow_id, workflow_type) DO NOTHING;
        IF NOT FOUND THEN
            PERFORM ironflow.refuse('IF001', 'an instance exists already', '');
        END IF;
    ELSE
        UPDATE ironflow.instances i
        SET version = reached, last_event_at = now, completed_at = CASE WHEN complete THEN now END
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
            (workflow_id, workflow_type, version, type, schema_version, payload, recorded_at, commit_id)
        VALUES
            (instance, workflow, expected + n, event_types[n], schema_versions[n], event_payloads[n]::json, now, commit);
    END LOOP;

    IF cancelled_keys <> '{}' THEN
        DELETE FROM ironflow.timers t
        WHERE t.workflow_id = instance AND t.workflow_type = workflow AND t.key = ANY (cancelled_keys);
    END IF;
    -- The token of a timer that is replaced stays as it is: the generation is new, and a lease names both.
    FOR n IN 1 .. cardinality(timer_keys) LOOP
        INSERT INTO ironflow.timers (workflow_id, workflow_type, key, generation, input, payload, fire_at, run_at)
        VALUES
            (instance, workflow, timer_keys[n], reached, timer_inputs[n], timer_payloads[n]::json, timer_times[n], timer_times[n])
        ON CONFLICT (workflow_id, workflow_type, key) DO UPDATE
        SET generation = excluded.generation, input = excluded.input, payload = excluded.payload,
            fire_at = excluded.fire_at, run_at = excluded.run_at, attempts = 0, last_error = NULL, dead_at = NULL;
    END LOOP;
    FOR n IN 1 .. cardinality(effect_kinds) LOOP
        INSERT INTO ironflow.effects (workflow_id, workflow_type, version, position, kind, payload, run_at, created_at)
        VALUES (instance, workflow, reached, n - 1, effect_kinds[n], effect_payloads[n]::json, due, now);
    END LOOP;

    IF complete THEN
        DELETE FROM ironflow.timers t WHERE t.workflow_id = instance AND t.workflow_type = workflow;
        DELETE FROM ironflow.unique_keys u WHERE u.workflow_id = instance AND u.workflow_type = workflow;
    END IF;
END
$$;
