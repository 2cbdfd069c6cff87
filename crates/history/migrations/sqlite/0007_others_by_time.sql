-- Ground objects and weather readings by time, for the past of a region. By whole minutes, as positions.
CREATE INDEX IF NOT EXISTS ground_positions_by_minute ON ground_positions (event_at / 60000);
CREATE INDEX IF NOT EXISTS weather_by_minute ON weather (event_at / 60000);
