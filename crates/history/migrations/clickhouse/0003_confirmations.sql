-- Rows that were not believed when they came can become plausible later: which ones is written beside them, since rows are
-- never changed. Flights are made by the programs since, by the rules that the live map goes by, and no longer by a view.

CREATE TABLE IF NOT EXISTS confirmations (
    device          UInt32 COMMENT 'device address, manufacturer << 16 | id',
    event_at        DateTime64(3, 'UTC') COMMENT 'when the observation happened that confirms it, UTC, resolution 1 ms',
    observation_id  UInt64 COMMENT 'the observation that is plausible, whatever its flags say, raw partition << 48 | raw offset',
    private         Bool COMMENT 'device was hidden: expires after 24 h, never for the public'
) ENGINE = ReplacingMergeTree
PARTITION BY (private, if(private, toStartOfHour(event_at), toDateTime(toStartOfMonth(event_at), 'UTC')))
ORDER BY (device, observation_id)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, merge_with_ttl_timeout = 600
COMMENT 'Observations that were not believed when they came and were confirmed by a later one.';

ALTER TABLE positions COMMENT COLUMN IF EXISTS flags 'bits: 1 delayed, 2 history only, 4 relayed, 8 implausible, 16 signed, 32 untrusted, 64 event time clamped, 128 unconfirmed';
ALTER TABLE ground_positions COMMENT COLUMN IF EXISTS flags 'bits: 1 delayed, 2 history only, 4 relayed, 8 implausible, 16 signed, 32 untrusted, 64 event time clamped, 128 unconfirmed';
ALTER TABLE weather COMMENT COLUMN IF EXISTS flags 'bits: 1 delayed, 2 history only, 4 relayed, 8 implausible, 16 signed, 32 untrusted, 64 event time clamped, 128 unconfirmed';

DROP VIEW IF EXISTS flights_view;
DROP VIEW IF EXISTS device_days_view;

ALTER TABLE device_days COMMENT COLUMN IF EXISTS positions 'number of public positions, implausible and unconfirmed ones included';

CREATE MATERIALIZED VIEW IF NOT EXISTS device_days_view REFRESH EVERY 10 MINUTE APPEND TO device_days AS
WITH touched AS (
    SELECT day, device FROM touched_devices GROUP BY day, device HAVING max(touched_at) > now() - INTERVAL 2 HOUR
)
SELECT
    toDate(event_at) AS day, device,
    count() AS positions,
    countIf(bitAnd(flags, 8) != 0 AND NOT confirmed) AS implausible,
    min(event_at) AS first_at, max(event_at) AS last_at,
    maxIf(altitude_m, of_track) AS max_altitude_m,
    maxIf(climb_cmps, of_track) AS max_climb_cmps,
    minIf(climb_cmps, of_track) AS max_sink_cmps,
    maxIf(speed_dkmh, of_track) AS max_speed_dkmh,
    now64(3, 'UTC') AS computed_at
FROM (
    SELECT
        event_at, device, flags, altitude_m, climb_cmps, speed_dkmh,
        bitAnd(flags, 136) != 0 AND observation_id IN (
            SELECT observation_id FROM confirmations WHERE event_at >= (SELECT min(day) FROM touched)) AS confirmed,
        bitAnd(flags, 136) = 0 OR confirmed AS of_track
    FROM positions FINAL
    WHERE NOT private
      AND (toDate(event_at), device) IN touched
      AND event_at >= (SELECT min(day) FROM touched)
)
GROUP BY day, device;
