-- status is the workflow's status after the instance's last event. parent is who hears of the instance's end.
ALTER TABLE ironflow_instances ADD COLUMN status TEXT;
ALTER TABLE ironflow_instances ADD COLUMN parent TEXT;

-- The cause of a decision stands with its first event: which input it was, and where that came from.
ALTER TABLE ironflow_events ADD COLUMN cause TEXT;

-- trace is the W3C trace context of the decision. limit_key is the value that the effect's limit counts separately.
ALTER TABLE ironflow_effects ADD COLUMN trace TEXT;
ALTER TABLE ironflow_effects ADD COLUMN limit_key TEXT;
ALTER TABLE ironflow_timers ADD COLUMN trace TEXT;

-- What became of an input that came with an id, so that the same one again has the same outcome.
CREATE TABLE ironflow_input_outcomes (
    workflow_id   TEXT    NOT NULL,
    workflow_type TEXT    NOT NULL,
    input_id      TEXT    NOT NULL,
    outcome       TEXT    NOT NULL,
    recorded_at   INTEGER NOT NULL,
    PRIMARY KEY (workflow_id, workflow_type, input_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX ironflow_input_outcomes_recorded ON ironflow_input_outcomes (recorded_at); -- for their retention

-- Inputs with what became of them. number tells apart what one instance had observed at one time.
CREATE TABLE ironflow_observations (
    number            INTEGER PRIMARY KEY AUTOINCREMENT,
    workflow_id       TEXT    NOT NULL,
    workflow_type     TEXT    NOT NULL,
    observed_at       INTEGER NOT NULL,
    input             TEXT    NOT NULL,
    input_id          TEXT,
    payload           TEXT    NOT NULL,
    outcome           TEXT    NOT NULL,
    version           INTEGER NOT NULL,
    rejection         TEXT,
    rejection_payload TEXT
) STRICT;
CREATE INDEX ironflow_observations_instance ON ironflow_observations (workflow_id, workflow_type, observed_at);
CREATE INDEX ironflow_observations_observed ON ironflow_observations (observed_at);
