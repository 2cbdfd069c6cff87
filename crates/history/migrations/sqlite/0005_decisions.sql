-- Positions that a person has rejected, whatever the flags of their rows say, and rejections that were taken back.
CREATE TABLE IF NOT EXISTS decisions (
    device          INTEGER NOT NULL,
    event_at        INTEGER NOT NULL,
    observation_id  INTEGER NOT NULL,
    version         INTEGER NOT NULL,
    rejected        INTEGER NOT NULL,
    PRIMARY KEY (device, observation_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS decisions_by_time ON decisions (event_at);
