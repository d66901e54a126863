DROP FUNCTION ironflow.append_change_after(
    text, text, bigint, timestamptz, timestamptz, bool, bigint,
    text, bigint, text, bigint,
    text[], int[], text[], text[], text[],
    text[], text[], text[], timestamptz[], text[],
    text, text[], text[], text[], text[], bigint, bigint);
ALTER TABLE ironflow.snapshots DROP COLUMN commit_id;
ALTER TABLE ironflow.timers DROP COLUMN commit_id;
ALTER TABLE ironflow.effects DROP COLUMN commit_id;
