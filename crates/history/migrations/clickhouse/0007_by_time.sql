-- The past of a region: positions also in the order of time, so that a minute of it is found without reading a part of each
-- device's day. Within five minutes in the order of devices, whose positions compress better beside each other.
-- That order would show rows that a lightweight deletion has only marked: marked rows are removed before, and
-- from here on the server refuses lightweight deletions of positions.
ALTER TABLE positions MODIFY SETTING deduplicate_merge_projection_mode = 'rebuild', lightweight_mutation_projection_mode = 'throw';
ALTER TABLE positions ADD PROJECTION IF NOT EXISTS by_time (SELECT * ORDER BY toStartOfFiveMinutes(event_at), device, event_at, observation_id);
ALTER TABLE positions APPLY DELETED MASK SETTINGS mutations_sync = 1;
ALTER TABLE positions MATERIALIZE PROJECTION IF EXISTS by_time;

ALTER TABLE positions COMMENT COLUMN IF EXISTS source 'number: 1 radio, 2 app, 3 feed, 4 person';
ALTER TABLE ground_positions COMMENT COLUMN IF EXISTS source 'number: 1 radio, 2 app, 3 feed, 4 person';
