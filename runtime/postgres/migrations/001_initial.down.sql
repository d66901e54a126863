DROP FUNCTION ironflow.refuse;
DROP TABLE ironflow.unique_keys;
DROP TABLE ironflow.timers;
DROP TABLE ironflow.effects;
DROP TABLE ironflow.snapshots;
DROP TABLE ironflow.events; -- owns its sequence
DROP TABLE ironflow.instances;
