-- Earlier observations that have become plausible, whatever the flags of their rows say.
CREATE TABLE IF NOT EXISTS confirmations (
    device          INTEGER NOT NULL,
    event_at        INTEGER NOT NULL,
    observation_id  INTEGER NOT NULL,
    private         INTEGER NOT NULL,
    PRIMARY KEY (device, observation_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS confirmations_private ON confirmations (event_at) WHERE private;
