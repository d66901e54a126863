DROP TABLE ironflow.chores;
DROP TABLE ironflow.paused_workflows;
DROP TABLE ironflow.discarded_letters;
ALTER TABLE ironflow.timers DROP COLUMN claimed_at;
ALTER TABLE ironflow.effects DROP COLUMN claimed_at;
DROP INDEX ironflow.timers_dead_idx;
DROP INDEX ironflow.effects_dead_idx;
DROP INDEX ironflow.instances_completed_idx;
DROP INDEX ironflow.instances_active_idx;
