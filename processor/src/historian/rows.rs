//! Converts records into rows: a pure function, since the rows of a range of offsets must be the same each time.

mod columns;
mod observed;
mod states;

use bytes::Bytes;
use history::BlockRows;
use prost::Message;
use schemas::catalogue::topic;
use schemas::v1::Observation;
use streams::Incoming;
use streams::registry::TopicCodec;

use crate::historian::rows::observed::add_observation;
use crate::historian::rows::states::{add_alert, add_privacy, add_receiver, add_reception, add_thermal};
use air::decode::Reject;

/// The topics that make rows, by their names in the catalogue.
pub const TOPICS: [&str; 7] = [
    topic::OBSERVATION,
    topic::PRIVATE_OBSERVATION,
    topic::RECEPTION,
    topic::RECEIVER,
    topic::THERMAL,
    topic::ALERT,
    topic::PRIVACY,
];

/// Adds the rows of one record of a topic (its name in the catalogue).
///
/// # Errors
/// The record cannot be read, or a value does not fit its column.
pub fn add(topic: &str, codec: &TopicCodec, record: &Incoming, rows: &mut BlockRows) -> Result<(), Reject> {
    // Tombstones end states, not history.
    let Some(value) = &record.value else { return Ok(()) };
    match topic {
        topic::OBSERVATION | topic::PRIVATE_OBSERVATION => {
            let observation: Observation = read(codec, value)?;
            // A record of the private topic is private, also without its flag.
            let private = observation.private || topic == topic::PRIVATE_OBSERVATION;
            add_observation(&observation, private, rows)
        }
        topic::RECEPTION => add_reception(read(codec, value)?, rows),
        topic::RECEIVER => add_receiver(read(codec, value)?, rows),
        topic::THERMAL => add_thermal(&read(codec, value)?, rows),
        topic::ALERT => add_alert(read(codec, value)?, rows),
        topic::PRIVACY => add_privacy(&read(codec, value)?, rows),
        other => Err(Reject::new("unknown_topic", format!("{other} makes no rows"))),
    }
}

fn read<M: Message + Default>(codec: &TopicCodec, value: &Bytes) -> Result<M, Reject> {
    codec.decode(value).map_err(|error| Reject::new(error.reason(), error.to_string()))
}

#[cfg(test)]
mod tests;
