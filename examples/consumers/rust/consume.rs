//! Prints the newest state of every public aircraft as JSON lines, and ends.
//!
//! ```text
//! cargo run -q -p streams --example consume -- localhost:9092 [topic]
//! ```
//!
//! Needs `rdkafka`, `prost` and the message types: the crate `schemas` of this repository, or what `prost-build` makes of
//! `schemas/proto`. State topics are compacted. A reader starts at the beginning, keeps the state with the highest version
//! for each key, and drops the key at a tombstone; late writes of an older version are ignored.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::time::Duration;

use prost::Message as _;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use schemas::v1::{AircraftKind, AircraftState};

#[derive(Default)]
struct Aircraft {
    states: BTreeMap<String, AircraftState>,
    versions: HashMap<String, u64>,
}

impl Aircraft {
    fn apply(&mut self, record: &BorrowedMessage<'_>) -> Result<(), Box<dyn Error>> {
        let device = std::str::from_utf8(record.key().ok_or("a state without a key")?)?.to_owned();
        let state = record.payload().map(message_in).transpose()?.map(AircraftState::decode).transpose()?;
        // Of a state it is in the value, of a tombstone in a header.
        let version = match &state {
            Some(state) => state.version,
            None => version_header(record).unwrap_or_default(),
        };
        if version < self.versions.get(&device).copied().unwrap_or_default() {
            return Ok(());
        }
        self.versions.insert(device.clone(), version);
        match state {
            Some(state) => self.states.insert(device, state),
            None => self.states.remove(&device),
        };
        Ok(())
    }
}

/// Where the message of the topic stands in its .proto file: `AircraftState` is the first.
const INDEX: i64 = 0;

/// The Protobuf message in the Confluent wire format: a zero byte, four bytes with the schema's id in the registry, the
/// message indexes, then the message itself. The indexes are zigzag varints: how many, then each; a count of 0 stands for
/// the one index 0.
fn message_in(value: &[u8]) -> Result<&[u8], &'static str> {
    let [0, _, _, _, _, rest @ ..] = value else { return Err("not in the Confluent wire format") };
    let (count, mut rest) = varint(rest)?;
    let mut indexes = Vec::new();
    for _ in 0..count {
        let (index, after) = varint(rest)?;
        indexes.push(index);
        rest = after;
    }
    let is_it = indexes == [INDEX] || (indexes.is_empty() && INDEX == 0);
    if is_it { Ok(rest) } else { Err("another message of the schema than was expected") }
}

/// A zigzag varint, and what follows it.
fn varint(bytes: &[u8]) -> Result<(i64, &[u8]), &'static str> {
    let mut number = 0_u64;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        number |= u64::from(byte & 0x7F) << (7 * at);
        if *byte < 0x80 {
            return Ok(((number >> 1) as i64 ^ -((number & 1) as i64), &bytes[at + 1..]));
        }
    }
    Err("a varint without an end")
}

fn version_header(record: &BorrowedMessage<'_>) -> Option<u64> {
    let header = record.headers()?.iter().find(|header| header.key == "version")?;
    std::str::from_utf8(header.value?).ok()?.parse().ok()
}

fn shown(device: &str, state: &AircraftState) -> String {
    let kind = AircraftKind::try_from(state.aircraft_kind).unwrap_or_default();
    let kind = kind.as_str_name().trim_start_matches("AIRCRAFT_KIND_").to_lowercase();
    let position = state.position.unwrap_or_default();
    let mut line = format!(
        "{{\"device\": \"{device}\", \"version\": {}, \"kind\": \"{kind}\", \"latitude_deg\": {:?}, \"longitude_deg\": {:?}",
        state.version, position.latitude_deg, position.longitude_deg
    );
    // What was not transmitted is absent, never zero.
    for (name, value) in [("altitude_m", position.altitude_m), ("climb_mps", state.climb_mps)] {
        if let Some(value) = value {
            line.push_str(&format!(", \"{name}\": {value:?}"));
        }
    }
    line + "}"
}

#[allow(clippy::print_stdout, reason = "this is what it is for")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let bootstrap = arguments.next().unwrap_or_else(|| "localhost:9092".to_owned());
    let topic = arguments.next().unwrap_or_else(|| "fanet.state.aircraft.v1".to_owned());
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &bootstrap)
        // No offsets are kept: a reader of states starts at the beginning every time.
        .set("group.id", "example")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(&topic), Duration::from_secs(10))?;
    let partitions = metadata.topics().first().ok_or("there is no such topic")?.partitions();
    let mut behind: BTreeSet<i32> = partitions.iter().map(|partition| partition.id()).collect();
    let mut assignment = TopicPartitionList::new();
    for partition in &behind {
        assignment.add_partition_offset(&topic, *partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    let mut aircraft = Aircraft::default();
    while !behind.is_empty() {
        match consumer.poll(Duration::from_secs(1)) {
            Some(Ok(record)) => aircraft.apply(&record)?,
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(behind.remove(&partition)),
            Some(Err(error)) => return Err(error.into()),
            None => {}
        }
    }
    for (device, state) in &aircraft.states {
        println!("{}", shown(device, state));
    }
    Ok(())
}
