-- Claims take what is due in one order: by time, and the effects of one instance as they were decided. The index has that order, so
-- that no claim sorts.
DROP INDEX ironflow.effects_claim_idx;
CREATE INDEX effects_claim_idx ON ironflow.effects (workflow_type, kind, run_at, version, position) WHERE dead_at IS NULL;

-- Limits for each key. A claim walks along the claim index, and takes from each key what its limit allows. What is due beyond the limit
-- is parked: run_at moves into the future, and parked_from keeps the time it was due. So no claim meets it again. When an effect of
-- the key ends, a trigger makes the oldest parked one due. A parked effect also becomes due by itself after one to ten minutes, so
-- that nothing depends on the trigger but speed.
ALTER TABLE ironflow.effects ADD COLUMN parked_from timestamptz;
CREATE INDEX effects_parked_idx ON ironflow.effects (workflow_type, kind, limit_key, parked_from, version, position)
    WHERE parked_from IS NOT NULL;

-- The leases that count against limits. An effect that waits for its next attempt is not in these indexes.
DROP INDEX ironflow.effects_slots_idx;
DROP INDEX ironflow.effects_limit_key_idx;
CREATE INDEX effects_slots_idx ON ironflow.effects (workflow_type, kind, run_at) WHERE slot AND claimed_at IS NOT NULL;
CREATE INDEX effects_key_slots_idx ON ironflow.effects (workflow_type, kind, limit_key, run_at)
    WHERE slot AND claimed_at IS NOT NULL AND limit_key IS NOT NULL;

-- unpark makes the oldest parked effect of the key of OLD due. Its place in the order is the time at which OLD was claimed, so that
-- all keys have their turn.
CREATE FUNCTION ironflow.unpark() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE ironflow.effects e SET run_at = coalesce(OLD.claimed_at, e.parked_from), parked_from = NULL
    WHERE e.ctid = (
        SELECT p.ctid FROM ironflow.effects p
        WHERE p.workflow_type = OLD.workflow_type AND p.kind = OLD.kind AND p.limit_key = OLD.limit_key AND p.parked_from IS NOT NULL
        ORDER BY p.limit_key, p.parked_from, p.version, p.position LIMIT 1 FOR UPDATE SKIP LOCKED);
    RETURN NULL;
END
$$;
CREATE TRIGGER effects_unpark_after_delete AFTER DELETE ON ironflow.effects FOR EACH ROW
    WHEN (OLD.limit_key IS NOT NULL AND OLD.parked_from IS NULL) EXECUTE FUNCTION ironflow.unpark();
CREATE TRIGGER effects_unpark_after_update AFTER UPDATE ON ironflow.effects FOR EACH ROW
    WHEN (OLD.limit_key IS NOT NULL AND OLD.claimed_at IS NOT NULL AND NEW.claimed_at IS NULL) EXECUTE FUNCTION ironflow.unpark();

-- claim_within_limits leases effects of one kind that are due from since to now, within its limits; a limit of 0 means no limit. It
-- takes nothing when another claim of the kind is under way.
--
-- The last row has no workflow_id. Everything that is due before its reached is claimed or parked. Its again is when to claim next:
-- when there will be a token, if only that was missing, or at once, if there is more to look at.
CREATE FUNCTION ironflow.claim_within_limits(
    workflow text, effect text, now timestamptz, until timestamptz, most bigint,
    global_limit bigint, rate float8, burst bigint, key_limit bigint, since timestamptz, process text
) RETURNS TABLE (
    workflow_id text, version bigint, "position" int, token bigint, commit_id bigint, payload json, created_at timestamptz,
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
    bucket ironflow.limits;
    refilled timestamptz;
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
        WHERE e.workflow_type = workflow AND e.kind = effect AND e.dead_at IS NULL AND e.run_at >= since AND e.run_at <= now
    ) THEN
        RETURN QUERY SELECT NULL::text, 0::bigint, 0, 0::bigint, 0::bigint, NULL::json, NULL::timestamptz, 0, NULL::text, NULL::text,
                            NULL::timestamptz, NULL::timestamptz, NULL::timestamptz, now;
        RETURN;
    END IF;
    INSERT INTO ironflow.limits (workflow_type, kind, tokens, refilled_at) VALUES (workflow, effect, burst, now)
    ON CONFLICT DO NOTHING;
    SELECT * INTO bucket FROM ironflow.limits l WHERE l.workflow_type = workflow AND l.kind = effect FOR UPDATE SKIP LOCKED;
    IF NOT FOUND OR EXISTS (SELECT FROM ironflow.paused_workflows p WHERE p.workflow_type = workflow) THEN
        room := 0;
    ELSIF global_limit > 0 THEN
        room := least(room, global_limit - (
            SELECT count(*) FROM ironflow.effects e
            WHERE e.workflow_type = workflow AND e.kind = effect AND e.slot AND e.claimed_at IS NOT NULL AND e.run_at > now));
    END IF;
    IF rate > 0 AND room > 0 THEN
        refilled := bucket.refilled_at;
        bucket.tokens := least(burst, bucket.tokens + greatest(0, extract(epoch FROM now - bucket.refilled_at)::float8) * rate);
        bucket.refilled_at := CASE
            WHEN bucket.refilled_at > now + interval '1 min' THEN now -- runtime.MaxLimitSkew
            ELSE greatest(bucket.refilled_at, now)
        END;
        IF bucket.tokens < 1 THEN
            next_claim := now + (1 - bucket.tokens) / rate * interval '1 s';
        END IF;
        room := least(room, floor(bucket.tokens)::bigint);
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
                                   WHERE s.workflow_type = workflow AND s.kind = effect AND s.limit_key = k.limit_key
                                     AND s.slot AND s.claimed_at IS NOT NULL AND s.run_at > now) END
                               ) OVER (PARTITION BY k.limit_key) AS used
                        FROM (
                            SELECT d.*, row_number() OVER (PARTITION BY d.limit_key ORDER BY d.number) AS of_key
                            FROM (
                                SELECT w.*, row_number() OVER () AS number
                                FROM (
                                    SELECT e.ctid AS place, e.limit_key, e.run_at FROM ironflow.effects e
                                    WHERE e.workflow_type = workflow AND e.kind = effect AND e.dead_at IS NULL
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
            WHERE l.ctid = ANY (fitting) AND l.workflow_type = workflow AND l.kind = effect AND l.dead_at IS NULL AND l.run_at <= now
            FOR UPDATE SKIP LOCKED
        ) l
        WHERE e.ctid = l.place
        RETURNING e.workflow_id, e.version, e.position, e.token, coalesce(e.commit_id, 0), e.payload, e.created_at, e.attempts, coalesce(e.last_error, ''),
                  coalesce(e.trace, ''), l.run_at,
                  CASE WHEN e.last_error IS NOT NULL THEN e.blocked_since END, NULL::timestamptz, NULL::timestamptz;
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
                        WHERE s.workflow_type = workflow AND s.kind = effect AND s.limit_key = k.limit_key
                          AND s.slot AND s.claimed_at IS NOT NULL AND s.run_at > now
                        LIMIT key_limit FOR SHARE SKIP LOCKED
                    ) s));
            UPDATE ironflow.effects e
            SET parked_from = coalesce(e.parked_from, e.run_at),
                run_at = now + greatest(interval '1 min', least(interval '10 min', now - coalesce(e.parked_from, e.run_at)))
            FROM (
                SELECT l.ctid AS place FROM ironflow.effects l
                WHERE l.ctid = ANY (excess) AND l.workflow_type = workflow AND l.kind = effect AND l.dead_at IS NULL
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

    IF rate > 0 AND (total > 0 OR bucket.refilled_at < refilled) THEN
        UPDATE ironflow.limits l SET tokens = bucket.tokens - total, refilled_at = bucket.refilled_at
        WHERE l.workflow_type = workflow AND l.kind = effect;
    END IF;
    RETURN QUERY SELECT NULL::text, 0::bigint, 0, 0::bigint, 0::bigint, NULL::json, NULL::timestamptz, 0, NULL::text, NULL::text,
                        NULL::timestamptz, NULL::timestamptz, next_claim, clean;
END
$$;

-- For processes that do not know claim_within_limits yet.
CREATE OR REPLACE FUNCTION ironflow.claim_limited(
    workflow text, effect text, now timestamptz, until timestamptz, most bigint,
    global_limit bigint, rate float8, burst bigint, key_limit bigint
) RETURNS TABLE (
    workflow_id text, version bigint, "position" int, token bigint, payload json, created_at timestamptz, attempts int,
    last_error text, trace text, again timestamptz
) LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
SELECT c.workflow_id, c.version, c.position, c.token, c.payload, c.created_at, c.attempts, c.last_error, c.trace, c.again
FROM ironflow.claim_within_limits(workflow, effect, now, until, most, global_limit, rate, burst, key_limit, '-infinity', NULL) c
WHERE c.workflow_id IS NOT NULL OR c.again IS NOT NULL
$$;
