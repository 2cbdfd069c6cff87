-- Positions by time, for the past of a region. By whole minutes, so that no query which wants an order by device takes it.
CREATE INDEX IF NOT EXISTS positions_by_minute ON positions (event_at / 60000);
