-- A file that was set back to a copy gives the same versions and tokens a second time. The commit that made a row tells the histories
-- apart. It is null in rows from before this was noted. Of a delivery, it is the commit that requested it, and part of its leases.
-- Of a snapshot, it is the commit of the event of its version; a snapshot without it is passed over, and the instance replayed.
ALTER TABLE ironflow_effects ADD COLUMN commit_id INTEGER;
ALTER TABLE ironflow_timers ADD COLUMN commit_id INTEGER;
ALTER TABLE ironflow_snapshots ADD COLUMN commit_id INTEGER;
