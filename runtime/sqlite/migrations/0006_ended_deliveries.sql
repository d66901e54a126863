-- Effects and timers that are over, when nothing else in their instance tells of it: runtime.EndedDelivery. They go with their
-- instance. item is the effect's position, or the timer's key; by_... is the decision that ended it.
CREATE TABLE ironflow_ended_deliveries (
    workflow_id   TEXT    NOT NULL,
    workflow_type TEXT    NOT NULL,
    queue         TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    item          TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    ending        TEXT    NOT NULL,
    ended_at      INTEGER NOT NULL,
    attempts      INTEGER NOT NULL,
    by_id         TEXT    NOT NULL,
    by_type       TEXT    NOT NULL,
    by_version    INTEGER NOT NULL,
    reason        TEXT    NOT NULL,
    PRIMARY KEY (workflow_id, workflow_type, version, queue, item)
) STRICT, WITHOUT ROWID;
