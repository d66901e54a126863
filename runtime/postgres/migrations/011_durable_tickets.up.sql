-- A ticket of the feed counts only when it is as durable as a commit that was answered: after a crash or a failover, the server gives
-- numbers and transaction ids again that nothing in its log goes beyond. The message makes the commit wait until the log is written,
-- and sent to synchronous standbys, up to the ticket. Nobody reads it.
--
-- With synchronous_commit off, the commit would not wait at all; the ticket then waits for the log of this server.
CREATE OR REPLACE FUNCTION ironflow.feed_ticket(known bigint, OUT issued bigint, OUT ticket bigint) LANGUAGE plpgsql
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
