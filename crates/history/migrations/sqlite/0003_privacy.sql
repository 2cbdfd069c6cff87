-- Whose past is public, and whose reception a row tells of.
-- One transaction.
CREATE TABLE IF NOT EXISTS privacy (
    device             INTEGER NOT NULL,
    version            INTEGER NOT NULL,
    hidden             INTEGER NOT NULL,
    public_since       INTEGER NOT NULL,
    refused            INTEGER NOT NULL,
    denied             INTEGER NOT NULL,
    hidden_by_command  INTEGER NOT NULL,
    hidden_until       INTEGER NOT NULL,
    PRIMARY KEY (device)
) WITHOUT ROWID;

ALTER TABLE receptions ADD COLUMN device INTEGER;
