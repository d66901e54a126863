CREATE OR REPLACE FUNCTION ironflow.feed_ticket(known bigint, OUT issued bigint, OUT ticket bigint) LANGUAGE plpgsql AS $$
BEGIN
    SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END INTO issued FROM ironflow.events_global_sequence;
    IF issued > known THEN
        ticket := pg_current_xact_id()::text::bigint;
    END IF;
END
$$;
