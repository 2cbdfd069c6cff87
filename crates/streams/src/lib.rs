//! The log: ordered, partitioned, replayable records, on Kafka or in memory.
