CREATE TABLE observation_queue (value String)
ENGINE = Kafka
SETTINGS kafka_broker_list = 'localhost:9092', kafka_topic_list = 'fanet.observation.v1',
    kafka_group_name = 'analytics-clickhouse', kafka_format = 'RawBLOB';

CREATE TABLE observations
(
    observation_id UInt64,
    event_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC'),
    device UInt32,
    flags Array(LowCardinality(String)),
    observation String
)
ENGINE = ReplacingMergeTree ORDER BY (device, event_at, observation_id);

CREATE MATERIALIZED VIEW observation_reader TO observations AS
SELECT
    toUInt64(JSONExtractString(observation, 'observation_id')) AS observation_id,
    fromUnixTimestamp64Micro(toInt64(JSONExtractString(observation, 'event_at_us')), 'UTC') AS event_at,
    fromUnixTimestamp64Micro(toInt64(JSONExtractString(observation, 'ingested_at_us')), 'UTC') AS ingested_at,
    JSONExtractUInt(observation, 'device') AS device,
    JSONExtract(observation, 'flags', 'Array(String)') AS flags,
    observation
FROM (SELECT updraft_observation(hex(value)) AS observation FROM observation_queue)
WHERE observation != '';
