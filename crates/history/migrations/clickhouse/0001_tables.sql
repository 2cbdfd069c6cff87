-- What is observed and told, one table each.
--
-- Same rules for all: the row key ends in the id of the record that made the row, so that writing it again replaces it
-- (ReplacingMergeTree); a block that was written is not taken again (non_replicated_deduplication_window). Rows of hidden
-- devices lie in partitions of an hour of their own, so that they expire whole.
--
-- Positions are read as tracks, whole rows, a few thousand of one device from every part: small granules and small blocks
-- keep what is unpacked beside them small, and a part keeps its columns in one file until it is large, for 8 % more on disk.

CREATE TABLE IF NOT EXISTS positions (
    device           UInt32 COMMENT 'device address, manufacturer << 16 | id' CODEC(Delta, ZSTD(1)),
    event_at         DateTime64(3, 'UTC') COMMENT 'when it happened, UTC, resolution 1 ms' CODEC(Delta, ZSTD(1)),
    observation_id   UInt64 COMMENT 'raw partition << 48 | raw offset' CODEC(Delta, ZSTD(1)),
    ingest_delay_ms  Int32 COMMENT 'time of ingest minus event time, milliseconds' CODEC(T64, ZSTD(1)),
    latitude_e7      Int32 COMMENT 'degrees north times 10^7' CODEC(Delta, ZSTD(1)),
    longitude_e7     Int32 COMMENT 'degrees east times 10^7' CODEC(Delta, ZSTD(1)),
    altitude_m       Nullable(Int16) COMMENT 'above mean sea level by GPS, metres; NULL: not transmitted' CODEC(Delta, ZSTD(1)),
    speed_dkmh       UInt16 COMMENT 'ground speed, 0.1 km/h' CODEC(T64, ZSTD(1)),
    climb_cmps       Int16 COMMENT 'vertical speed, cm/s, up is positive' CODEC(ZSTD(1)),
    course_cdeg      Nullable(UInt16) COMMENT 'course over ground, 0.01 degrees true; NULL: not transmitted' CODEC(Delta, ZSTD(1)),
    turn_rate_cdps   Nullable(Int16) COMMENT 'turn rate, 0.01 degrees per second, clockwise positive; NULL: not transmitted' CODEC(T64, ZSTD(1)),
    qne_offset_m     Nullable(Int16) COMMENT 'QNE minus GPS altitude, metres; NULL: not transmitted' CODEC(ZSTD(1)),
    aircraft_kind    UInt8 COMMENT 'number: 1 other, 2 paraglider, 3 hang glider, 4 balloon, 5 glider, 6 powered, 7 helicopter, 8 UAV' CODEC(ZSTD(1)),
    flags            UInt8 COMMENT 'bits: 1 delayed, 2 history only, 4 relayed, 8 implausible, 16 signed, 32 untrusted, 64 event time clamped' CODEC(ZSTD(1)),
    score            Nullable(UInt8) COMMENT 'trust score of the device after this frame, 0 to 100; NULL: not judged' CODEC(ZSTD(1)),
    source           UInt8 COMMENT 'number: 1 radio, 2 app, 3 feed' CODEC(ZSTD(1)),
    online_tracking  Bool COMMENT 'consent bit of this frame' CODEC(ZSTD(1)),
    private          Bool COMMENT 'device was hidden: expires after 24 h, never for the public' CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY (private, if(private, toStartOfHour(event_at), toStartOfDay(event_at)))
ORDER BY (device, event_at, observation_id)
SETTINGS index_granularity = 2048, min_bytes_for_wide_part = 104857600, min_compress_block_size = 16384,
    max_compress_block_size = 65536, non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, merge_with_ttl_timeout = 600
COMMENT 'Positions of aircraft (packet type 1, apps, feeds).';

CREATE TABLE IF NOT EXISTS ground_positions (
    device           UInt32 COMMENT 'device address, manufacturer << 16 | id' CODEC(Delta, ZSTD(1)),
    event_at         DateTime64(3, 'UTC') COMMENT 'when it happened, UTC, resolution 1 ms' CODEC(Delta, ZSTD(1)),
    observation_id   UInt64 COMMENT 'raw partition << 48 | raw offset' CODEC(Delta, ZSTD(1)),
    ingest_delay_ms  Int32 COMMENT 'time of ingest minus event time, milliseconds' CODEC(T64, ZSTD(1)),
    latitude_e7      Int32 COMMENT 'degrees north times 10^7' CODEC(Delta, ZSTD(1)),
    longitude_e7     Int32 COMMENT 'degrees east times 10^7' CODEC(Delta, ZSTD(1)),
    altitude_m       Nullable(Int16) COMMENT 'above mean sea level, metres; NULL: not transmitted' CODEC(Delta, ZSTD(1)),
    ground_type      UInt8 COMMENT 'number in the protocol: 0 other, 1 walking, 2 vehicle, 3 bike, 4 boat, 8 need a ride, 9 landed well, 12 need technical support, 13 need medical help, 14 distress, 15 automatic distress' CODEC(ZSTD(1)),
    flags            UInt8 COMMENT 'bits: 1 delayed, 2 history only, 4 relayed, 8 implausible, 16 signed, 32 untrusted, 64 event time clamped' CODEC(ZSTD(1)),
    score            Nullable(UInt8) COMMENT 'trust score of the device after this frame, 0 to 100; NULL: not judged' CODEC(ZSTD(1)),
    source           UInt8 COMMENT 'number: 1 radio, 2 app, 3 feed' CODEC(ZSTD(1)),
    online_tracking  Bool COMMENT 'consent bit of this frame' CODEC(ZSTD(1)),
    private          Bool COMMENT 'device was hidden: expires after 24 h, never for the public' CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY (private, if(private, toStartOfHour(event_at), toStartOfDay(event_at)))
ORDER BY (device, event_at, observation_id)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, merge_with_ttl_timeout = 600
COMMENT 'Positions of ground objects (packet type 7).';

CREATE TABLE IF NOT EXISTS weather (
    device               UInt32 COMMENT 'device address of the station' CODEC(Delta, ZSTD(1)),
    event_at             DateTime64(3, 'UTC') COMMENT 'when it happened, UTC, resolution 1 ms' CODEC(Delta, ZSTD(1)),
    observation_id       UInt64 COMMENT 'raw partition << 48 | raw offset' CODEC(Delta, ZSTD(1)),
    ingest_delay_ms      Int32 COMMENT 'time of ingest minus event time, milliseconds' CODEC(T64, ZSTD(1)),
    latitude_e7          Nullable(Int32) COMMENT 'degrees north times 10^7; NULL: not transmitted' CODEC(Delta, ZSTD(1)),
    longitude_e7         Nullable(Int32) COMMENT 'degrees east times 10^7; NULL: not transmitted' CODEC(Delta, ZSTD(1)),
    altitude_m           Nullable(Int16) COMMENT 'above mean sea level, metres; NULL: not transmitted' CODEC(Delta, ZSTD(1)),
    temperature_c        Nullable(Float32) COMMENT 'degrees Celsius; NULL: not transmitted' CODEC(ZSTD(1)),
    wind_from_deg        Nullable(Float32) COMMENT 'direction the wind blows from, degrees true; NULL: not transmitted' CODEC(ZSTD(1)),
    wind_speed_kmh       Nullable(Float32) COMMENT 'mean wind speed, km/h; NULL: not transmitted' CODEC(ZSTD(1)),
    wind_gust_kmh        Nullable(Float32) COMMENT 'gusts, km/h; NULL: not transmitted' CODEC(ZSTD(1)),
    humidity_pct         Nullable(Float32) COMMENT 'relative humidity, percent; NULL: not transmitted' CODEC(ZSTD(1)),
    pressure_hpa         Nullable(Float32) COMMENT 'pressure at sea level, hPa; NULL: not transmitted' CODEC(ZSTD(1)),
    state_of_charge_pct  Nullable(Float32) COMMENT 'state of charge, percent; NULL: not transmitted' CODEC(ZSTD(1)),
    internet_gateway     Bool COMMENT 'the station is an internet gateway' CODEC(ZSTD(1)),
    flags                UInt8 COMMENT 'bits: 1 delayed, 2 history only, 4 relayed, 8 implausible, 16 signed, 32 untrusted, 64 event time clamped' CODEC(ZSTD(1)),
    private              Bool COMMENT 'device was hidden: expires after 24 h, never for the public' CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY (private, if(private, toStartOfHour(event_at), toDateTime(toStartOfMonth(event_at), 'UTC')))
ORDER BY (device, event_at, observation_id)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, merge_with_ttl_timeout = 600
COMMENT 'Readings of weather stations (packet type 4).';

CREATE TABLE IF NOT EXISTS names (
    device          UInt32 COMMENT 'device address, manufacturer << 16 | id' CODEC(Delta, ZSTD(1)),
    event_at        DateTime64(3, 'UTC') COMMENT 'when it was told, UTC, resolution 1 ms' CODEC(Delta, ZSTD(1)),
    observation_id  UInt64 COMMENT 'raw partition << 48 | raw offset' CODEC(Delta, ZSTD(1)),
    name            String COMMENT 'as text, UTF-8' CODEC(ZSTD(1)),
    private         Bool COMMENT 'device was hidden: expires after 24 h, never for the public' CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY (private, if(private, toStartOfHour(event_at), toDateTime(toStartOfMonth(event_at), 'UTC')))
ORDER BY (device, event_at, observation_id)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, merge_with_ttl_timeout = 600
COMMENT 'Names that devices told (packet type 2).';

CREATE TABLE IF NOT EXISTS receptions (
    receiver_id       LowCardinality(String) COMMENT 'receiver' CODEC(ZSTD(1)),
    ingested_at       DateTime64(3, 'UTC') COMMENT 'time of ingest, UTC, resolution 1 ms' CODEC(Delta, ZSTD(1)),
    reception_id      UInt64 COMMENT 'raw partition << 48 | raw offset' CODEC(Delta, ZSTD(1)),
    observation_id    Nullable(UInt64) COMMENT 'the observation that this is a copy of; NULL: the device is hidden' CODEC(Delta, ZSTD(1)),
    rssi_dbm          Int16 COMMENT 'signal strength, dBm' CODEC(T64, ZSTD(1)),
    snr_db            Int16 COMMENT 'signal-to-noise ratio, dB' CODEC(T64, ZSTD(1)),
    receiver_stamp_s  UInt32 COMMENT 'by the clock of the receiver, seconds since 1970-01-01 UTC' CODEC(Delta, ZSTD(1)),
    relayed           Bool COMMENT 'heard from a relay, not from the sender' CODEC(ZSTD(1)),
    packet_type       Nullable(UInt8) COMMENT 'number of the FANET packet type; NULL: the device is hidden' CODEC(ZSTD(1)),
    latitude_e7       Nullable(Int32) COMMENT 'place of the sender, degrees north times 10^7; NULL: not public or none' CODEC(Delta, ZSTD(1)),
    longitude_e7      Nullable(Int32) COMMENT 'place of the sender, degrees east times 10^7; NULL: not public or none' CODEC(Delta, ZSTD(1)),
    altitude_m        Nullable(Int16) COMMENT 'of the sender, above mean sea level, metres; NULL: not public or none' CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY toStartOfDay(ingested_at)
ORDER BY (receiver_id, ingested_at, reception_id)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, merge_with_ttl_timeout = 600
COMMENT 'One receiver hearing one frame, every copy.';

CREATE TABLE IF NOT EXISTS receivers (
    receiver_id   String COMMENT 'receiver' CODEC(ZSTD(1)),
    version       UInt64 COMMENT 'number that grows with each state; the highest stays' CODEC(Delta, ZSTD(1)),
    last_seen_at  DateTime64(3, 'UTC') COMMENT 'last reception, UTC, resolution 1 ms' CODEC(Delta, ZSTD(1)),
    latitude_e7   Nullable(Int32) COMMENT 'degrees north times 10^7; NULL: not known' CODEC(ZSTD(1)),
    longitude_e7  Nullable(Int32) COMMENT 'degrees east times 10^7; NULL: not known' CODEC(ZSTD(1)),
    altitude_m    Nullable(Int16) COMMENT 'above mean sea level, metres; NULL: not known' CODEC(ZSTD(1)),
    configured    Bool COMMENT 'the place was configured, not estimated' CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree(version)
ORDER BY receiver_id
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Receivers as they were last known.';

CREATE TABLE IF NOT EXISTS thermals (
    thermal_id        UInt64 COMMENT 'id of its first report, raw partition << 48 | raw offset' CODEC(Delta, ZSTD(1)),
    version           UInt64 COMMENT 'number that grows with each state; the highest stays' CODEC(Delta, ZSTD(1)),
    first_seen_at     DateTime64(3, 'UTC') COMMENT 'event time of the first report, UTC, resolution 1 ms' CODEC(Delta, ZSTD(1)),
    last_seen_at      DateTime64(3, 'UTC') COMMENT 'event time of the last report, UTC, resolution 1 ms' CODEC(Delta, ZSTD(1)),
    latitude_e7       Int32 COMMENT 'centre at last_seen_at, degrees north times 10^7' CODEC(Delta, ZSTD(1)),
    longitude_e7      Int32 COMMENT 'centre at last_seen_at, degrees east times 10^7' CODEC(Delta, ZSTD(1)),
    altitude_m        Nullable(Float32) COMMENT 'of the newest report, metres' CODEC(ZSTD(1)),
    radius_m          Float32 COMMENT 'metres' CODEC(ZSTD(1)),
    base_altitude_m   Float32 COMMENT 'lowest altitude of a climb, metres' CODEC(ZSTD(1)),
    top_altitude_m    Float32 COMMENT 'highest altitude of a climb, metres' CODEC(ZSTD(1)),
    mean_climb_mps    Float32 COMMENT 'mean climb, m/s' CODEC(ZSTD(1)),
    max_climb_mps     Float32 COMMENT 'best climb, m/s' CODEC(ZSTD(1)),
    wind_from_deg     Nullable(Float32) COMMENT 'direction the wind blows from, degrees true; NULL: not known' CODEC(ZSTD(1)),
    wind_speed_kmh    Nullable(Float32) COMMENT 'wind speed, km/h; NULL: not known' CODEC(ZSTD(1)),
    pilots            UInt32 COMMENT 'number of distinct devices' CODEC(ZSTD(1)),
    reports           UInt32 COMMENT 'number of reports' CODEC(ZSTD(1)),
    confidence_pct    Float32 COMMENT 'confidence at last_seen_at, percent' CODEC(ZSTD(1)),
    drift_course_deg  Nullable(Float32) COMMENT 'how the centre moves over ground, degrees true; NULL: not known' CODEC(ZSTD(1)),
    drift_speed_kmh   Nullable(Float32) COMMENT 'how fast the centre moves, km/h; NULL: not known' CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree(version)
ORDER BY thermal_id
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Thermals as they were last known: climbs of all pilots made into one picture.';

CREATE TABLE IF NOT EXISTS alerts (
    device           UInt32 COMMENT 'device address, manufacturer << 16 | id' CODEC(ZSTD(1)),
    alert_id         UInt64 COMMENT 'id of the observation that raised it' CODEC(ZSTD(1)),
    version          UInt64 COMMENT 'number that grows with each state of the device' CODEC(ZSTD(1)),
    alert_kind       UInt8 COMMENT 'number: 9 need a ride, 13 need technical support, 14 need medical help, 15 distress, 16 automatic distress' CODEC(ZSTD(1)),
    status           UInt8 COMMENT 'number: 1 open, 2 acknowledged, 3 resolved' CODEC(ZSTD(1)),
    opened_at        DateTime64(3, 'UTC') COMMENT 'when it was raised, UTC, resolution 1 ms' CODEC(ZSTD(1)),
    refreshed_at     DateTime64(3, 'UTC') COMMENT 'newest frame that repeats it, UTC, resolution 1 ms' CODEC(ZSTD(1)),
    latitude_e7      Nullable(Int32) COMMENT 'last known place, degrees north times 10^7; NULL: none known' CODEC(ZSTD(1)),
    longitude_e7     Nullable(Int32) COMMENT 'last known place, degrees east times 10^7; NULL: none known' CODEC(ZSTD(1)),
    altitude_m       Nullable(Int16) COMMENT 'above mean sea level, metres; NULL: not known' CODEC(ZSTD(1)),
    acknowledged_at  Nullable(DateTime64(3, 'UTC')) COMMENT 'when an operator acknowledged it, UTC, resolution 1 ms; NULL: not yet' CODEC(ZSTD(1)),
    acknowledged_by  Nullable(String) COMMENT 'name of the operator, text; NULL: nobody yet' CODEC(ZSTD(1)),
    resolved_at      Nullable(DateTime64(3, 'UTC')) COMMENT 'when it ended, UTC, resolution 1 ms; NULL: it stands' CODEC(ZSTD(1)),
    resolution       UInt8 COMMENT 'number: 0 it stands, 1 landed well, 2 normal frames, 3 operator, 4 silence' CODEC(ZSTD(1)),
    unverified       Bool COMMENT 'the device had not earned trust when it was raised' CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree
ORDER BY (device, alert_id, version)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Every transition and refresh of every alert.';

CREATE TABLE IF NOT EXISTS erasures (
    device          UInt32 COMMENT 'device address, manufacturer << 16 | id',
    observation_id  UInt64 COMMENT 'what its raw partition told of it up to this id is forgotten, raw partition << 48 | raw offset',
    erased_at       DateTime64(3, 'UTC') COMMENT 'when it was asked for, UTC, resolution 1 ms'
) ENGINE = ReplacingMergeTree
ORDER BY (device, observation_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Devices whose owners asked to be forgotten.';
