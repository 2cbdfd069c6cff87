-- What the queries of docs/queries.md are asked about: small enough to be counted by hand. 2026-07-14 stands for the day.

-- Ada (1117072) flies 2 hours from Interlaken, a position a minute, 1 km east each, climbing 1 m/s for the first hour and
-- sinking 1 m/s in the second.
INSERT INTO positions (device, event_at, observation_id, latitude_e7, longitude_e7, altitude_m, speed_dkmh, climb_cmps, aircraft_kind, source, ingest_delay_ms, turn_rate_cdps)
SELECT 1117072, toDateTime64('2026-07-14 10:00:00', 3, 'UTC') + number * 60, 1000 + number, 466800000, 78600000 + number * 131000,
       1000 + if(number < 60, number, 120 - number) * 20, 600, if(number < 60, 100, -100), 2, 1, if(number = 5, 30000, 200), if(number < 60, 2000, 0)
FROM numbers(121);

-- Bob (1117073) flies 30 minutes from the same place, straight north, climbing 2.6 m/s; twice in the day.
INSERT INTO positions (device, event_at, observation_id, latitude_e7, longitude_e7, altitude_m, speed_dkmh, climb_cmps, aircraft_kind, source, ingest_delay_ms, turn_rate_cdps)
SELECT 1117073, toDateTime64('2026-07-14 10:30:00', 3, 'UTC') + intDiv(number, 31) * 10800 + (number % 31) * 60, 2000 + number, 466800000 + (number % 31) * 90000, 78600000,
       1000 + (number % 31) * 10, 360, 260, 4, 1, 400, 2000
FROM numbers(62);

-- Eve is hidden: no question for the public may count her.
INSERT INTO positions (device, event_at, observation_id, latitude_e7, longitude_e7, altitude_m, speed_dkmh, climb_cmps, aircraft_kind, source, private)
SELECT 1117074, toDateTime64('2026-07-14 10:00:00', 3, 'UTC') + number * 60, 3000 + number, 466800000, 78600000 + number * 131000,
       4000, 600, 900, 2, 1, true
FROM numbers(60);

INSERT INTO names (device, event_at, observation_id, name, private) VALUES
    (1117072, '2026-07-14 09:00:00', 1, 'Ad', false), (1117072, '2026-07-14 10:00:00', 2, 'Ada', false), (1117074, '2026-07-14 10:00:00', 3, 'Eve', true);

-- Three thermals within 5 km of the site (one has two versions), one far away.
INSERT INTO thermals (thermal_id, version, first_seen_at, last_seen_at, latitude_e7, longitude_e7, radius_m, base_altitude_m, top_altitude_m, mean_climb_mps, max_climb_mps, pilots, reports, confidence_pct) VALUES
    (1, 1, '2026-07-14 11:05:00', '2026-07-14 11:10:00', 466900000, 78600000, 200, 1200, 2000, 0.5, 1, 1, 1, 50),
    (1, 2, '2026-07-14 11:05:00', '2026-07-14 11:20:00', 466900000, 78600000, 200, 1200, 2400, 2, 3, 3, 5, 80),
    (2, 1, '2026-07-14 11:30:00', '2026-07-14 11:40:00', 466700000, 78700000, 200, 1300, 2600, 1, 2, 2, 3, 70),
    (3, 1, '2026-07-14 13:30:00', '2026-07-14 13:40:00', 466800000, 78500000, 200, 1500, 3000, 3.5, 5, 4, 9, 90),
    (4, 1, '2026-07-14 13:30:00', '2026-07-14 13:40:00', 476800000, 78500000, 200, 1500, 3000, 9, 9, 1, 1, 90);

-- Two receivers. `north` hears Bob's first flight and half of Ada's, `south` all of Ada's.
INSERT INTO receivers (receiver_id, version, last_seen_at, latitude_e7, longitude_e7, configured) VALUES
    ('north', 1, '2026-07-14 20:00:00', 466800000, 78600000, true), ('south', 1, '2026-07-14 20:00:00', 465800000, 78600000, true);
INSERT INTO receptions (receiver_id, ingested_at, reception_id, observation_id, rssi_dbm, snr_db, packet_type, latitude_e7, longitude_e7)
SELECT 'south', event_at, observation_id, observation_id, -100, 5, 1, latitude_e7, longitude_e7 FROM positions WHERE device = 1117072;
INSERT INTO receptions (receiver_id, ingested_at, reception_id, observation_id, rssi_dbm, snr_db, packet_type, latitude_e7, longitude_e7)
SELECT 'north', event_at, observation_id + 10000, observation_id, -80, 9, 1, latitude_e7, longitude_e7 FROM positions
WHERE device = 1117073 AND event_at < '2026-07-14 12:00:00' OR device = 1117072 AND observation_id < 1060;

-- A station: an hour around north, so that a mean of plain degrees would be south; one reading without wind.
INSERT INTO weather (device, event_at, observation_id, temperature_c, wind_from_deg, wind_speed_kmh, wind_gust_kmh) VALUES
    (524544, '2026-07-14 10:00:00', 1, 20, 350, 10, 15), (524544, '2026-07-14 10:20:00', 2, 21, 10, 10, 25),
    (524544, '2026-07-14 10:40:00', 3, 22, NULL, NULL, NULL), (524544, '2026-07-14 11:00:00', 4, 24, 90, 20, 30);
