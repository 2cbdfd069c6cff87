-- Positions that a person has rejected, and rejections that were taken back: written beside the rows, which are never changed.
-- They say nothing of where a device was.

CREATE TABLE IF NOT EXISTS decisions (
    device          UInt32 COMMENT 'device address, manufacturer << 16 | id',
    event_at        DateTime64(3, 'UTC') COMMENT 'when the position was, UTC, resolution 1 ms',
    observation_id  UInt64 COMMENT 'the observation of the position, raw partition << 48 | raw offset',
    version         UInt64 COMMENT 'the observation of the decision; the highest counts',
    rejected        Bool COMMENT 'not part of the track, whatever its flags say; false: an earlier decision is taken back'
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toStartOfMonth(event_at)
ORDER BY (device, observation_id)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, merge_with_ttl_timeout = 600
COMMENT 'Positions that a person has rejected, and rejections that were taken back.';

CREATE MATERIALIZED VIEW IF NOT EXISTS touched_by_decisions_view TO touched_devices AS
SELECT toDate(event_at) AS day, device, max(toDateTime(now(), 'UTC')) AS touched_at
FROM decisions GROUP BY day, device;

DROP VIEW IF EXISTS device_days_view;

CREATE MATERIALIZED VIEW IF NOT EXISTS device_days_view REFRESH EVERY 10 MINUTE APPEND TO device_days AS
WITH touched AS (
    SELECT day, device FROM touched_devices GROUP BY day, device HAVING max(touched_at) > now() - INTERVAL 2 HOUR
)
SELECT
    toDate(event_at) AS day, device,
    count() AS positions,
    countIf(rejected OR bitAnd(flags, 8) != 0 AND NOT confirmed) AS implausible,
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
        observation_id IN (
            SELECT observation_id FROM decisions WHERE event_at >= (SELECT min(day) FROM touched)
            GROUP BY device, observation_id HAVING argMax(decisions.rejected, version)) AS rejected,
        NOT rejected AND (bitAnd(flags, 136) = 0 OR confirmed) AS of_track
    FROM positions FINAL
    WHERE NOT private
      AND (toDate(event_at), device) IN touched
      AND event_at >= (SELECT min(day) FROM touched)
)
GROUP BY day, device;
