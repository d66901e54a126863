-- A database that was set back, by a failover to a standby that lacked the last commits or from a backup, gives the same versions and
-- tokens a second time. The commit that made a row tells the histories apart. It is null in rows from before this was noted.
--
-- Of a delivery, it is the commit that requested it, and part of its leases. Of a snapshot, it is the commit of the event of its
-- version; a snapshot without it is passed over, and the instance replayed.
ALTER TABLE ironflow.effects ADD COLUMN commit_id bigint;
ALTER TABLE ironflow.timers ADD COLUMN commit_id bigint;
ALTER TABLE ironflow.snapshots ADD COLUMN commit_id bigint;

-- append_change_after is append_change with the commit of the lease, and of the event that the change follows on. The one before stays for programs that
-- still call it. What it does is described in migration 2.
CREATE FUNCTION ironflow.append_change_after(
    instance text, workflow text, expected bigint, now timestamptz, due timestamptz, complete bool, commit bigint,
    lease_queue text, lease_version bigint, lease_item text, lease_token bigint, -- of what caused the change; '' for nothing
    event_types text[], schema_versions int[], event_payloads text[],
    effect_kinds text[], effect_payloads text[],
    timer_keys text[], timer_inputs text[], timer_payloads text[], timer_times timestamptz[],
    cancelled_keys text[],
    reached_status text,                       -- '' for none, as in the arrays
    causes text[], effect_traces text[], limit_keys text[], timer_traces text[], -- may be shorter than the ones they go with
    lease_commit bigint,                       -- that made the delivery; 0 for one from before this was noted
    last_commit bigint                         -- of the event of the version expected; 0 for any
) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off
SET jit = off
SET plan_cache_mode = force_generic_plan
SET lock_timeout = '50ms'
SET search_path = pg_catalog, pg_temp
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
        WHERE i.workflow_id = instance AND i.workflow_type = workflow AND i.version = expected AND i.completed_at IS NULL
          AND (last_commit = 0 OR last_commit = (
              SELECT e.commit_id FROM ironflow.events e
              WHERE e.workflow_id = instance AND e.workflow_type = workflow AND e.version = expected));
        IF NOT FOUND THEN
            PERFORM ironflow.refuse('IF001', 'an instance is not at the version that was read', '');
        END IF;
    END IF;

    IF lease_queue <> '' THEN
        IF lease_queue = 'effects' THEN
            DELETE FROM ironflow.effects q
            WHERE q.workflow_id = instance AND q.workflow_type = workflow
              AND q.version = lease_version AND q.position = lease_item::int AND q.token = lease_token
              AND coalesce(q.commit_id, 0) = lease_commit;
        ELSE
            DELETE FROM ironflow.timers q
            WHERE q.workflow_id = instance AND q.workflow_type = workflow
              AND q.generation = lease_version AND q.key = lease_item AND q.token = lease_token
              AND coalesce(q.commit_id, 0) = lease_commit;
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
        INSERT INTO ironflow.timers (workflow_id, workflow_type, key, generation, input, payload, fire_at, run_at, trace, commit_id)
        VALUES
            (instance, workflow, timer_keys[n], reached, timer_inputs[n], timer_payloads[n]::json, timer_times[n], timer_times[n],
             nullif(timer_traces[n], ''), commit)
        ON CONFLICT (workflow_id, workflow_type, key) DO UPDATE
        SET generation = excluded.generation, input = excluded.input, payload = excluded.payload,
            fire_at = excluded.fire_at, run_at = excluded.run_at, trace = excluded.trace, commit_id = excluded.commit_id,
            attempts = 0, last_error = NULL, dead_at = NULL;
    END LOOP;
    FOR n IN 1 .. cardinality(effect_kinds) LOOP
        INSERT INTO ironflow.effects
            (workflow_id, workflow_type, version, position, kind, payload, run_at, created_at, trace, limit_key, commit_id)
        VALUES
            (instance, workflow, reached, n - 1, effect_kinds[n], effect_payloads[n]::json, due, now,
             nullif(effect_traces[n], ''), nullif(limit_keys[n], ''), commit);
    END LOOP;

    IF complete THEN
        DELETE FROM ironflow.timers t WHERE t.workflow_id = instance AND t.workflow_type = workflow;
        DELETE FROM ironflow.unique_keys u WHERE u.workflow_id = instance AND u.workflow_type = workflow;
    END IF;
END
$$;
