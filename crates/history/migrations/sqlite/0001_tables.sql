-- The tables of ClickHouse under the same names, as far as programs read them. Numbers are integers in the same units, times
-- milliseconds since 1970-01-01 UTC, absent values NULL. The row key is the table itself (WITHOUT ROWID), so that writing
-- a row again finds it there.

-- Positions of aircraft (packet type 1, apps, feeds).
CREATE TABLE IF NOT EXISTS positions (
    device           INTEGER NOT NULL,
    event_at         INTEGER NOT NULL,
    observation_id   INTEGER NOT NULL,
    ingest_delay_ms  INTEGER NOT NULL,
    latitude_e7      INTEGER NOT NULL,
    longitude_e7     INTEGER NOT NULL,
    altitude_m       INTEGER,
    speed_dkmh       INTEGER NOT NULL,
    climb_cmps       INTEGER NOT NULL,
    course_cdeg      INTEGER,
    turn_rate_cdps   INTEGER,
    qne_offset_m     INTEGER,
    aircraft_kind    INTEGER NOT NULL,
    flags            INTEGER NOT NULL,
    score            INTEGER,
    source           INTEGER NOT NULL,
    online_tracking  INTEGER NOT NULL,
    private          INTEGER NOT NULL,
    PRIMARY KEY (device, event_at, observation_id)
) WITHOUT ROWID;

-- Positions of ground objects (packet type 7).
CREATE TABLE IF NOT EXISTS ground_positions (
    device           INTEGER NOT NULL,
    event_at         INTEGER NOT NULL,
    observation_id   INTEGER NOT NULL,
    ingest_delay_ms  INTEGER NOT NULL,
    latitude_e7      INTEGER NOT NULL,
    longitude_e7     INTEGER NOT NULL,
    altitude_m       INTEGER,
    ground_type      INTEGER NOT NULL,
    flags            INTEGER NOT NULL,
    score            INTEGER,
    source           INTEGER NOT NULL,
    online_tracking  INTEGER NOT NULL,
    private          INTEGER NOT NULL,
    PRIMARY KEY (device, event_at, observation_id)
) WITHOUT ROWID;

-- Readings of weather stations (packet type 4).
CREATE TABLE IF NOT EXISTS weather (
    device               INTEGER NOT NULL,
    event_at             INTEGER NOT NULL,
    observation_id       INTEGER NOT NULL,
    ingest_delay_ms      INTEGER NOT NULL,
    latitude_e7          INTEGER,
    longitude_e7         INTEGER,
    altitude_m           INTEGER,
    temperature_c        REAL,
    wind_from_deg        REAL,
    wind_speed_kmh       REAL,
    wind_gust_kmh        REAL,
    humidity_pct         REAL,
    pressure_hpa         REAL,
    state_of_charge_pct  REAL,
    internet_gateway     INTEGER NOT NULL,
    flags                INTEGER NOT NULL,
    private              INTEGER NOT NULL,
    PRIMARY KEY (device, event_at, observation_id)
) WITHOUT ROWID;

-- Names that devices told (packet type 2).
CREATE TABLE IF NOT EXISTS names (
    device          INTEGER NOT NULL,
    event_at        INTEGER NOT NULL,
    observation_id  INTEGER NOT NULL,
    name            TEXT NOT NULL,
    private         INTEGER NOT NULL,
    PRIMARY KEY (device, event_at, observation_id)
) WITHOUT ROWID;

-- One receiver hearing one frame, every copy.
CREATE TABLE IF NOT EXISTS receptions (
    receiver_id       TEXT NOT NULL,
    ingested_at       INTEGER NOT NULL,
    reception_id      INTEGER NOT NULL,
    observation_id    INTEGER,
    rssi_dbm          INTEGER NOT NULL,
    snr_db            INTEGER NOT NULL,
    receiver_stamp_s  INTEGER NOT NULL,
    relayed           INTEGER NOT NULL,
    packet_type       INTEGER,
    latitude_e7       INTEGER,
    longitude_e7      INTEGER,
    altitude_m        INTEGER,
    PRIMARY KEY (receiver_id, ingested_at, reception_id)
) WITHOUT ROWID;

-- Receivers as they were last known.
CREATE TABLE IF NOT EXISTS receivers (
    receiver_id   TEXT NOT NULL,
    version       INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    latitude_e7   INTEGER,
    longitude_e7  INTEGER,
    altitude_m    INTEGER,
    configured    INTEGER NOT NULL,
    PRIMARY KEY (receiver_id)
) WITHOUT ROWID;

-- Thermals as they were last known: climbs of all pilots made into one picture.
CREATE TABLE IF NOT EXISTS thermals (
    thermal_id        INTEGER NOT NULL,
    version           INTEGER NOT NULL,
    first_seen_at     INTEGER NOT NULL,
    last_seen_at      INTEGER NOT NULL,
    latitude_e7       INTEGER NOT NULL,
    longitude_e7      INTEGER NOT NULL,
    altitude_m        REAL,
    radius_m          REAL NOT NULL,
    base_altitude_m   REAL NOT NULL,
    top_altitude_m    REAL NOT NULL,
    mean_climb_mps    REAL NOT NULL,
    max_climb_mps     REAL NOT NULL,
    wind_from_deg     REAL,
    wind_speed_kmh    REAL,
    pilots            INTEGER NOT NULL,
    reports           INTEGER NOT NULL,
    confidence_pct    REAL NOT NULL,
    drift_course_deg  REAL,
    drift_speed_kmh   REAL,
    PRIMARY KEY (thermal_id)
) WITHOUT ROWID;

-- Every transition and refresh of every alert.
CREATE TABLE IF NOT EXISTS alerts (
    device           INTEGER NOT NULL,
    alert_id         INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    alert_kind       INTEGER NOT NULL,
    status           INTEGER NOT NULL,
    opened_at        INTEGER NOT NULL,
    refreshed_at     INTEGER NOT NULL,
    latitude_e7      INTEGER,
    longitude_e7     INTEGER,
    altitude_m       INTEGER,
    acknowledged_at  INTEGER,
    acknowledged_by  TEXT,
    resolved_at      INTEGER,
    resolution       INTEGER NOT NULL,
    unverified       INTEGER NOT NULL,
    PRIMARY KEY (device, alert_id, version)
) WITHOUT ROWID;

-- Devices whose owners asked to be forgotten.
CREATE TABLE IF NOT EXISTS erasures (
    device          INTEGER NOT NULL,
    observation_id  INTEGER NOT NULL,
    erased_at       INTEGER NOT NULL,
    PRIMARY KEY (device, observation_id)
) WITHOUT ROWID;

-- Flights, made anew for the devices in `touched`.
CREATE TABLE IF NOT EXISTS flights (
    device                 INTEGER NOT NULL,
    take_off_at            INTEGER NOT NULL,
    landed_at              INTEGER NOT NULL,
    take_off_latitude_e7   INTEGER NOT NULL,
    take_off_longitude_e7  INTEGER NOT NULL,
    landing_latitude_e7    INTEGER NOT NULL,
    landing_longitude_e7   INTEGER NOT NULL,
    distance_m             INTEGER NOT NULL,
    max_altitude_m         INTEGER,
    max_climb_cmps         INTEGER NOT NULL,
    positions              INTEGER NOT NULL,
    aircraft_kind          INTEGER NOT NULL,
    PRIMARY KEY (device, take_off_at)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS flights_by_time ON flights (take_off_at);

-- Days (milliseconds / 86400000) whose flights are to be made anew.
CREATE TABLE IF NOT EXISTS touched (
    device  INTEGER NOT NULL,
    day     INTEGER NOT NULL,
    PRIMARY KEY (device, day)
) WITHOUT ROWID;

-- Rows of hidden devices, to be found when they expire.
CREATE INDEX IF NOT EXISTS positions_private ON positions (event_at) WHERE private;
CREATE INDEX IF NOT EXISTS ground_positions_private ON ground_positions (event_at) WHERE private;
CREATE INDEX IF NOT EXISTS weather_private ON weather (event_at) WHERE private;
CREATE INDEX IF NOT EXISTS names_private ON names (event_at) WHERE private;
