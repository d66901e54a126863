-- Effects and timers that are over, when nothing else in their instance tells of it: runtime.EndedDelivery. They go with their
-- instance. item is the effect's position, or the timer's key; by_... is the decision that ended it.
CREATE TABLE ironflow.ended_deliveries (
    workflow_id   text COLLATE "C" NOT NULL,
    workflow_type text COLLATE "C" NOT NULL,
    queue         text COLLATE "C" NOT NULL,
    version       bigint NOT NULL,
    item          text COLLATE "C" NOT NULL,
    kind          text COLLATE "C" NOT NULL,
    ending        text COLLATE "C" NOT NULL,
    ended_at      timestamptz NOT NULL,
    attempts      int NOT NULL,
    by_id         text COLLATE "C" NOT NULL,
    by_type       text COLLATE "C" NOT NULL,
    by_version    bigint NOT NULL,
    reason        text NOT NULL,
    PRIMARY KEY (workflow_id, workflow_type, version, queue, item)
);
