DROP TRIGGER effects_unpark_after_update ON ironflow.effects;
DROP TRIGGER effects_unpark_after_delete ON ironflow.effects;
DROP FUNCTION ironflow.unpark;
DROP FUNCTION ironflow.claim_within_limits;
UPDATE ironflow.effects SET run_at = parked_from WHERE parked_from IS NOT NULL;
ALTER TABLE ironflow.effects DROP COLUMN parked_from; -- and the index over it
DROP INDEX ironflow.effects_key_slots_idx;
DROP INDEX ironflow.effects_slots_idx;
DROP INDEX ironflow.effects_claim_idx;
CREATE INDEX effects_claim_idx ON ironflow.effects (workflow_type, kind, run_at) WHERE dead_at IS NULL;
CREATE INDEX effects_slots_idx ON ironflow.effects (workflow_type, kind, limit_key) WHERE slot;
CREATE INDEX effects_limit_key_idx ON ironflow.effects (workflow_type, kind, limit_key, run_at)
    WHERE limit_key IS NOT NULL AND dead_at IS NULL;

CREATE OR REPLACE FUNCTION ironflow.claim_limited(
    workflow text, effect text, now timestamptz, until timestamptz, most bigint,
    global_limit bigint, rate float8, burst bigint, key_limit bigint
) RETURNS TABLE (
    workflow_id text, version bigint, "position" int, token bigint, payload json, created_at timestamptz, attempts int,
    last_error text, trace text, again timestamptz
) LANGUAGE plpgsql
SET enable_seqscan = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    bucket ironflow.limits;
    room bigint := most;
    places tid[] := '{}';
    more tid[];
    this_key text;
    reached_key text;
    wrapped bool := false;
    taken bigint := 0;
BEGIN
    -- Polling a kind of which nothing is due writes nothing.
    IF NOT EXISTS (
        SELECT FROM ironflow.effects e
        WHERE e.workflow_type = workflow AND e.kind = effect AND e.dead_at IS NULL AND e.run_at <= now
    ) THEN
        RETURN;
    END IF;
    INSERT INTO ironflow.limits (workflow_type, kind, tokens, refilled_at) VALUES (workflow, effect, burst, now)
    ON CONFLICT DO NOTHING;
    SELECT * INTO bucket FROM ironflow.limits l WHERE l.workflow_type = workflow AND l.kind = effect FOR UPDATE SKIP LOCKED;
    IF NOT FOUND OR EXISTS (SELECT FROM ironflow.paused_workflows p WHERE p.workflow_type = workflow) THEN
        RETURN;
    END IF;
    IF global_limit > 0 THEN
        room := least(room, global_limit - (
            SELECT count(*) FROM ironflow.effects e
            WHERE e.workflow_type = workflow AND e.kind = effect AND e.slot AND e.claimed_at IS NOT NULL AND e.run_at > now));
    END IF;
    IF rate > 0 THEN
        bucket.tokens := least(burst, bucket.tokens + greatest(0, extract(epoch FROM now - bucket.refilled_at)::float8) * rate);
        bucket.refilled_at := CASE
            WHEN bucket.refilled_at > now + interval '1 min' THEN now -- runtime.MaxLimitSkew
            ELSE greatest(bucket.refilled_at, now)
        END;
        IF bucket.tokens < 1 AND room > 0 THEN
            again := now + (1 - bucket.tokens) / rate * interval '1 s';
        END IF;
        room := least(room, floor(bucket.tokens)::bigint);
    END IF;

    IF room > 0 AND key_limit = 0 THEN
        places := ARRAY(
            SELECT e.ctid FROM ironflow.effects e
            WHERE e.workflow_type = workflow AND e.kind = effect AND e.dead_at IS NULL AND e.run_at <= now
            ORDER BY e.run_at LIMIT room FOR UPDATE SKIP LOCKED);
    ELSIF room > 0 THEN
        this_key := bucket.last_key;
        LOOP
            -- The next key after this one that has something due; after the last comes the first again, once.
            this_key := (
                SELECT e.limit_key FROM ironflow.effects e
                WHERE e.workflow_type = workflow AND e.kind = effect AND e.limit_key > this_key AND e.dead_at IS NULL
                ORDER BY e.limit_key LIMIT 1);
            IF this_key IS NULL THEN
                EXIT WHEN wrapped;
                wrapped := true;
                this_key := '';
                CONTINUE;
            END IF;
            EXIT WHEN wrapped AND this_key > bucket.last_key;
            more := ARRAY(
                SELECT e.ctid FROM ironflow.effects e
                WHERE e.workflow_type = workflow AND e.kind = effect AND e.limit_key = this_key AND e.dead_at IS NULL
                  AND e.run_at <= now
                ORDER BY e.run_at
                LIMIT greatest(0, least(room - cardinality(places), key_limit - (
                    SELECT count(*) FROM ironflow.effects e
                    WHERE e.workflow_type = workflow AND e.kind = effect AND e.limit_key = this_key AND e.slot AND e.claimed_at IS NOT NULL AND e.run_at > now)))
                FOR UPDATE SKIP LOCKED);
            IF cardinality(more) > 0 THEN
                places := places || more;
                reached_key := this_key;
            END IF;
            EXIT WHEN cardinality(places) >= room;
        END LOOP;
        bucket.last_key := coalesce(reached_key, bucket.last_key);
        IF cardinality(places) < room THEN -- those without a key are from before the limit was declared
            places := places || ARRAY(
                SELECT e.ctid FROM ironflow.effects e
                WHERE e.workflow_type = workflow AND e.kind = effect AND e.limit_key IS NULL AND e.dead_at IS NULL
                  AND e.run_at <= now
                ORDER BY e.run_at LIMIT room - cardinality(places) FOR UPDATE SKIP LOCKED);
        END IF;
    END IF;

    taken := cardinality(places);
    IF taken > 0 OR rate > 0 THEN
        UPDATE ironflow.limits l
        SET tokens = CASE WHEN rate > 0 THEN bucket.tokens - taken ELSE l.tokens END,
            refilled_at = bucket.refilled_at, last_key = bucket.last_key
        WHERE l.workflow_type = workflow AND l.kind = effect;
    END IF;
    IF taken = 0 AND again IS NOT NULL THEN
        RETURN QUERY SELECT NULL::text, 0::bigint, 0, 0::bigint, NULL::json, NULL::timestamptz, 0, NULL::text, NULL::text, again;
        RETURN;
    END IF;
    RETURN QUERY
    UPDATE ironflow.effects e
    SET attempts = e.attempts + 1, token = e.token + 1, run_at = until, claimed_at = now, slot = true
    WHERE e.ctid = ANY (places)
    RETURNING e.workflow_id, e.version, e.position, e.token, e.payload, e.created_at, e.attempts, coalesce(e.last_error, ''),
              coalesce(e.trace, ''), NULL::timestamptz;
END
$$;
