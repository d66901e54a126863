DROP INDEX ironflow.effects_blocked_idx, ironflow.timers_blocked_idx, ironflow.effects_dead_kind_idx, ironflow.timers_dead_kind_idx,
    ironflow.effects_not_told_idx, ironflow.timers_not_told_idx;
ALTER TABLE ironflow.effects DROP COLUMN blocked_since, DROP COLUMN told_at, DROP COLUMN holder;
ALTER TABLE ironflow.timers DROP COLUMN blocked_since, DROP COLUMN told_at, DROP COLUMN holder;
