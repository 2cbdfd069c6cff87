-- What is made of the tables. Insert-time views see every insert, also one that repeats rows, so they keep a maximum and
-- nothing else; counts come from refreshable views over FINAL, which see each row once. They compute anew the days of
-- the devices and receivers that got rows within the last two hours (inserts need the database as refreshing does, so an
-- outage delays both), and their tables keep the newest result per key.

CREATE TABLE IF NOT EXISTS touched_devices (
    day         Date COMMENT 'day of event time, UTC',
    device      UInt32 COMMENT 'device address, manufacturer << 16 | id',
    touched_at  SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'last insert of a row of that day, UTC, resolution 1 s'
) ENGINE = AggregatingMergeTree
ORDER BY (day, device)
TTL touched_at + INTERVAL 1 DAY
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Which days of which devices are to be computed anew.';

CREATE MATERIALIZED VIEW IF NOT EXISTS touched_devices_view TO touched_devices AS
SELECT toDate(event_at) AS day, device, max(toDateTime(now(), 'UTC')) AS touched_at
FROM positions WHERE NOT private GROUP BY day, device;

CREATE TABLE IF NOT EXISTS touched_receivers (
    day          Date COMMENT 'day of the time of ingest, UTC',
    receiver_id  LowCardinality(String) COMMENT 'receiver',
    touched_at   SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'last insert of a row of that day, UTC, resolution 1 s'
) ENGINE = AggregatingMergeTree
ORDER BY (day, receiver_id)
TTL touched_at + INTERVAL 1 DAY
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Which days of which receivers are to be computed anew.';

CREATE MATERIALIZED VIEW IF NOT EXISTS touched_receivers_view TO touched_receivers AS
SELECT toDate(ingested_at) AS day, receiver_id, max(toDateTime(now(), 'UTC')) AS touched_at
FROM receptions GROUP BY day, receiver_id;

CREATE TABLE IF NOT EXISTS device_days (
    day               Date COMMENT 'day of event time, UTC',
    device            UInt32 COMMENT 'device address, manufacturer << 16 | id',
    positions         UInt64 COMMENT 'number of public positions, implausible ones included',
    implausible       UInt64 COMMENT 'number of positions that failed the plausibility check',
    first_at          DateTime64(3, 'UTC') COMMENT 'first position, UTC, resolution 1 ms',
    last_at           DateTime64(3, 'UTC') COMMENT 'last position, UTC, resolution 1 ms',
    max_altitude_m    Nullable(Int16) COMMENT 'highest plausible altitude, metres; NULL: none',
    max_climb_cmps    Int16 COMMENT 'best plausible climb, cm/s',
    max_sink_cmps     Int16 COMMENT 'worst plausible climb, cm/s',
    max_speed_dkmh    UInt16 COMMENT 'highest plausible ground speed, 0.1 km/h',
    computed_at       DateTime64(3, 'UTC') COMMENT 'time of computing, UTC, resolution 1 ms; the newest stays'
) ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYear(day)
ORDER BY (day, device)
COMMENT 'One device, one day.';

CREATE MATERIALIZED VIEW IF NOT EXISTS device_days_view REFRESH EVERY 10 MINUTE APPEND TO device_days AS
SELECT
    toDate(event_at) AS day, device,
    count() AS positions,
    countIf(bitAnd(flags, 8) != 0) AS implausible,
    min(event_at) AS first_at, max(event_at) AS last_at,
    maxIf(altitude_m, bitAnd(flags, 8) = 0) AS max_altitude_m,
    maxIf(climb_cmps, bitAnd(flags, 8) = 0) AS max_climb_cmps,
    minIf(climb_cmps, bitAnd(flags, 8) = 0) AS max_sink_cmps,
    maxIf(speed_dkmh, bitAnd(flags, 8) = 0) AS max_speed_dkmh,
    now64(3, 'UTC') AS computed_at
FROM positions FINAL
WHERE NOT private
  AND (toDate(event_at), device) IN (
    SELECT day, device FROM touched_devices GROUP BY day, device HAVING max(touched_at) > now() - INTERVAL 2 HOUR)
  AND event_at >= (SELECT min(day) FROM touched_devices WHERE touched_at > now() - INTERVAL 2 HOUR)
GROUP BY day, device;

CREATE TABLE IF NOT EXISTS flights (
    device                UInt32 COMMENT 'device address, manufacturer << 16 | id',
    take_off_at           DateTime64(3, 'UTC') COMMENT 'first position of the flight, UTC, resolution 1 ms',
    landed_at             DateTime64(3, 'UTC') COMMENT 'last position of the flight, UTC, resolution 1 ms',
    take_off_latitude_e7  Int32 COMMENT 'first position, degrees north times 10^7',
    take_off_longitude_e7 Int32 COMMENT 'first position, degrees east times 10^7',
    landing_latitude_e7   Int32 COMMENT 'last position, degrees north times 10^7',
    landing_longitude_e7  Int32 COMMENT 'last position, degrees east times 10^7',
    distance_m            UInt32 COMMENT 'length of the track over ground, metres',
    max_altitude_m        Nullable(Int16) COMMENT 'highest altitude, metres; NULL: never transmitted',
    max_climb_cmps        Int16 COMMENT 'best climb, cm/s',
    positions             UInt32 COMMENT 'number of positions that it is made of',
    aircraft_kind         UInt8 COMMENT 'number: 1 other, 2 paraglider, 3 hang glider, 4 balloon, 5 glider, 6 powered, 7 helicopter, 8 UAV',
    computed_at           DateTime64(3, 'UTC') COMMENT 'time of computing, UTC, resolution 1 ms; only the newest of a device and day counts'
) ENGINE = ReplacingMergeTree(computed_at)
ORDER BY (device, take_off_at)
COMMENT 'Flights, from take-off to landing or to the last position so far; read them from flights_now.';

-- A device flies while it moves (10 km/h or more over ground, or 0.5 m/s up or down) with breaks of at most 15 min; what
-- is shorter than a minute, or neither goes 300 m nor moves 30 m in height, is no flight. A day whose rows changed is
-- computed with its neighbours, since a flight may go over midnight.
CREATE MATERIALIZED VIEW IF NOT EXISTS flights_view REFRESH EVERY 10 MINUTE APPEND TO flights AS
WITH touched AS (
    SELECT day, device FROM touched_devices GROUP BY day, device HAVING max(touched_at) > now() - INTERVAL 2 HOUR
), moving AS (
    SELECT
        device, event_at, observation_id, latitude_e7, longitude_e7, altitude_m, climb_cmps, aircraft_kind,
        lagInFrame(event_at, 1, toDateTime64(0, 3, 'UTC')) OVER along AS before_at,
        lagInFrame(latitude_e7, 1, latitude_e7) OVER along AS before_latitude_e7,
        lagInFrame(longitude_e7, 1, longitude_e7) OVER along AS before_longitude_e7,
        before_at < event_at - INTERVAL 15 MINUTE AS begins
    FROM positions FINAL
    WHERE NOT private AND bitAnd(flags, 8) = 0 AND (speed_dkmh >= 100 OR abs(climb_cmps) >= 50)
      AND device IN (SELECT device FROM touched)
      AND event_at >= (SELECT min(day) FROM touched) - INTERVAL 2 DAY
      AND toDate(event_at) IN (SELECT arrayJoin([day - 2, day - 1, day, day + 1, day + 2]) FROM touched)
    WINDOW along AS (PARTITION BY device ORDER BY event_at, observation_id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
), numbered AS (
    SELECT *, sum(begins) OVER (PARTITION BY device ORDER BY event_at, observation_id
                                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS flight
    FROM moving
)
SELECT
    device,
    min(event_at) AS take_off_at, max(event_at) AS landed_at,
    argMin(latitude_e7, (event_at, observation_id)) AS take_off_latitude_e7,
    argMin(longitude_e7, (event_at, observation_id)) AS take_off_longitude_e7,
    argMax(latitude_e7, (event_at, observation_id)) AS landing_latitude_e7,
    argMax(longitude_e7, (event_at, observation_id)) AS landing_longitude_e7,
    toUInt32(sumIf(geoDistance(before_longitude_e7 / 1e7, before_latitude_e7 / 1e7, longitude_e7 / 1e7, latitude_e7 / 1e7),
                   NOT begins)) AS distance_m,
    max(altitude_m) AS max_altitude_m, max(climb_cmps) AS max_climb_cmps,
    toUInt32(count()) AS positions,
    argMax(aircraft_kind, (event_at, observation_id)) AS aircraft_kind,
    now64(3, 'UTC') AS computed_at
FROM numbered
GROUP BY device, flight
HAVING dateDiff('second', take_off_at, landed_at) >= 60
   AND (distance_m >= 300 OR max(altitude_m) - min(altitude_m) >= 30)
   AND (toDate(take_off_at), device) IN (SELECT arrayJoin([day - 1, day, day + 1]), device FROM touched);

CREATE VIEW IF NOT EXISTS flights_now (
    device                UInt32 COMMENT 'device address, manufacturer << 16 | id',
    take_off_at           DateTime64(3, 'UTC') COMMENT 'first position of the flight, UTC, resolution 1 ms',
    landed_at             DateTime64(3, 'UTC') COMMENT 'last position of the flight, UTC, resolution 1 ms',
    take_off_latitude_e7  Int32 COMMENT 'first position, degrees north times 10^7',
    take_off_longitude_e7 Int32 COMMENT 'first position, degrees east times 10^7',
    landing_latitude_e7   Int32 COMMENT 'last position, degrees north times 10^7',
    landing_longitude_e7  Int32 COMMENT 'last position, degrees east times 10^7',
    distance_m            UInt32 COMMENT 'length of the track over ground, metres',
    max_altitude_m        Nullable(Int16) COMMENT 'highest altitude, metres; NULL: never transmitted',
    max_climb_cmps        Int16 COMMENT 'best climb, cm/s',
    positions             UInt32 COMMENT 'number of positions that it is made of',
    aircraft_kind         UInt8 COMMENT 'number: 1 other, 2 paraglider, 3 hang glider, 4 balloon, 5 glider, 6 powered, 7 helicopter, 8 UAV',
    day                   Date COMMENT 'day of the take-off, UTC',
    duration_s            Int64 COMMENT 'from take-off to landing, seconds'
) AS
SELECT
    device, take_off_at, landed_at, take_off_latitude_e7, take_off_longitude_e7, landing_latitude_e7,
    landing_longitude_e7, distance_m, max_altitude_m, max_climb_cmps, positions, aircraft_kind, day, duration_s
FROM (
    SELECT *, toDate(take_off_at) AS day, dateDiff('second', take_off_at, landed_at) AS duration_s,
           max(computed_at) OVER (PARTITION BY device, toDate(take_off_at)) AS newest_at
    FROM flights FINAL
) WHERE computed_at = newest_at;

CREATE TABLE IF NOT EXISTS receiver_days (
    day                   Date COMMENT 'day of the time of ingest, UTC',
    receiver_id           String COMMENT 'receiver',
    frames                UInt64 COMMENT 'number of frames heard, copies and hidden devices included',
    devices               UInt64 COMMENT 'number of distinct public devices whose positions were heard',
    best_distance_m       Nullable(UInt32) COMMENT 'farthest sender heard, metres; NULL: place of the receiver not known',
    coverage_bearing_deg  Array(UInt16) COMMENT 'sectors of ten degrees in which a sender was heard: where each begins, degrees true',
    coverage_distance_m   Array(UInt32) COMMENT 'farthest sender in each of these sectors, metres',
    computed_at           DateTime64(3, 'UTC') COMMENT 'time of computing, UTC, resolution 1 ms; the newest stays'
) ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYear(day)
ORDER BY (day, receiver_id)
COMMENT 'One receiver, one day.';

CREATE MATERIALIZED VIEW IF NOT EXISTS receiver_days_view REFRESH EVERY 10 MINUTE APPEND TO receiver_days AS
WITH touched AS (
    SELECT day, receiver_id FROM touched_receivers GROUP BY day, receiver_id
    HAVING max(touched_at) > now() - INTERVAL 2 HOUR
), heard AS (
    SELECT toDate(ingested_at) AS day, receiver_id, observation_id, relayed, latitude_e7, longitude_e7
    FROM receptions FINAL
    WHERE (toDate(ingested_at), receiver_id) IN touched AND ingested_at >= (SELECT min(day) FROM touched)
), senders AS (
    SELECT observation_id, device FROM positions
    WHERE NOT private AND event_at >= (SELECT min(day) FROM touched) - INTERVAL 1 DAY
), placed AS (
    SELECT
        heard.day AS day, heard.receiver_id AS receiver_id, senders.device AS device,
        -- A relay's frame says how far the relay reaches, not the receiver.
        if(receivers.latitude_e7 IS NULL OR heard.latitude_e7 IS NULL OR relayed, NULL,
           geoDistance(receivers.longitude_e7 / 1e7, receivers.latitude_e7 / 1e7,
                       heard.longitude_e7 / 1e7, heard.latitude_e7 / 1e7)) AS distance_m,
        radians(assumeNotNull(receivers.latitude_e7) / 1e7) AS from_lat, radians(assumeNotNull(heard.latitude_e7) / 1e7) AS to_lat,
        radians((assumeNotNull(heard.longitude_e7) - toInt64(assumeNotNull(receivers.longitude_e7))) / 1e7) AS across,
        toUInt16(floor((degrees(atan2(sin(across) * cos(to_lat),
            cos(from_lat) * sin(to_lat) - sin(from_lat) * cos(to_lat) * cos(across))) + 360) / 10)) % 36 * 10 AS sector_deg
    FROM heard
    LEFT JOIN (SELECT * FROM receivers FINAL) AS receivers ON receivers.receiver_id = heard.receiver_id
    LEFT ANY JOIN (SELECT toNullable(observation_id) AS observation_id, toNullable(device) AS device FROM senders) AS senders
        ON senders.observation_id = heard.observation_id
), sectors AS (
    SELECT day, receiver_id, sector_deg, toUInt32(max(distance_m)) AS farthest_m
    FROM placed WHERE distance_m IS NOT NULL GROUP BY day, receiver_id, sector_deg
)
SELECT
    counted.day AS day, counted.receiver_id AS receiver_id, frames, devices, best_distance_m,
    coverage_bearing_deg, coverage_distance_m, now64(3, 'UTC') AS computed_at
FROM (
    SELECT day, toString(receiver_id) AS receiver_id, count() AS frames, uniqExact(device) AS devices,
           toUInt32(max(distance_m)) AS best_distance_m
    FROM placed GROUP BY day, receiver_id
) AS counted
LEFT JOIN (
    SELECT day, toString(receiver_id) AS receiver_id,
           arrayMap(pair -> pair.1, arraySort(groupArray((toUInt16(sector_deg), assumeNotNull(farthest_m)))) AS pairs) AS coverage_bearing_deg,
           arrayMap(pair -> pair.2, pairs) AS coverage_distance_m
    FROM sectors GROUP BY day, receiver_id
) AS covered ON covered.day = counted.day AND covered.receiver_id = counted.receiver_id;

CREATE VIEW IF NOT EXISTS launch_days (
    day                 Date COMMENT 'day of the take-off, UTC',
    area                String COMMENT 'launch area: geohash of five letters, about 5 km wide',
    flights             UInt64 COMMENT 'number of flights that began here',
    devices             UInt64 COMMENT 'number of distinct devices',
    longest_duration_s  Int64 COMMENT 'longest flight, seconds',
    longest_distance_m  UInt32 COMMENT 'longest track over ground, metres',
    max_altitude_m      Nullable(Int16) COMMENT 'highest altitude of these flights, metres; NULL: never transmitted',
    max_climb_cmps      Int16 COMMENT 'best climb of these flights, cm/s',
    first_take_off_at   DateTime64(3, 'UTC') COMMENT 'first take-off, UTC, resolution 1 ms',
    last_landed_at      DateTime64(3, 'UTC') COMMENT 'last landing, UTC, resolution 1 ms'
) AS
SELECT
    day, geohashEncode(take_off_longitude_e7 / 1e7, take_off_latitude_e7 / 1e7, 5) AS area,
    count() AS flights, uniqExact(device) AS devices,
    max(duration_s) AS longest_duration_s, max(distance_m) AS longest_distance_m,
    max(max_altitude_m) AS max_altitude_m, max(max_climb_cmps) AS max_climb_cmps,
    min(take_off_at) AS first_take_off_at, max(landed_at) AS last_landed_at
FROM flights_now GROUP BY day, area;
