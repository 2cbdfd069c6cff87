//! Text lines as input of the core.

use std::io::Write;

use anyhow::Context as _;
use envelope::Topic;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use schemas::descriptors::DESCRIPTOR_SET;
use schemas::id::DeviceAddress;
use schemas::v1::RawRecord;
use schemas::v1::raw_record::Input;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One line.
#[derive(Debug, PartialEq)]
pub enum Line {
    /// A record of the raw topic with its position.
    Record {
        /// Its partition.
        partition: u32,
        /// Its offset.
        offset: u64,
        /// The record.
        record: RawRecord,
    },
    /// A message of the MQTT broker, with the key that the bridge would give it.
    Message {
        /// The device's address, or the receiver's id.
        key: String,
        /// The record that the bridge would write.
        record: RawRecord,
    },
}

#[derive(Deserialize)]
struct Stored {
    partition: u32,
    offset: u64,
    value: Value,
}

#[derive(Deserialize)]
struct Captured {
    at_us: u64,
    topic: String,
    payload_hex: String,
}

/// Reads messages by their descriptors: kcat writes Protobuf's own JSON, in which bytes are base64.
#[derive(Debug)]
pub struct LineReader {
    record: MessageDescriptor,
}

impl Default for LineReader {
    fn default() -> Self {
        Self::new()
    }
}

/// A record of the raw topic as one line, in Protobuf's own JSON.
#[derive(Serialize)]
struct Written {
    partition: u32,
    offset: u64,
    timestamp_ms: i64,
    value: DynamicMessage,
}

impl LineReader {
    /// Writes a record of the raw topic as one line that [`LineReader::read`] takes.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn write(
        &self,
        partition: u32,
        offset: u64,
        timestamp_ms: i64,
        record: &RawRecord,
        out: &mut impl Write,
    ) -> std::io::Result<()> {
        let value = DynamicMessage::decode(self.record.clone(), &record.encode_to_vec()[..]).expect("our own message");
        serde_json::to_writer(&mut *out, &Written { partition, offset, timestamp_ms, value })?;
        out.write_all(b"\n")
    }

    /// A reader of both forms.
    pub fn new() -> Self {
        let pool = DescriptorPool::decode(DESCRIPTOR_SET).expect("compiled into this program");
        Self { record: pool.get_message_by_name("updraft.v1.RawRecord").expect("declared in raw.proto") }
    }

    /// Reads one line.
    ///
    /// # Errors
    /// It is not JSON, or of neither form.
    pub fn read(&self, line: &str) -> anyhow::Result<Line> {
        let line: Value = serde_json::from_str(line).context("invalid line: expected a JSON object")?;
        if line.get("payload_hex").is_some() {
            return message(
                serde_json::from_value(line)
                    .context("invalid captured message: expected at_us, topic and payload_hex")?,
            );
        }
        let stored: Stored = serde_json::from_value(line).context(
            "invalid line: expected partition, offset and value (kcat), or at_us, topic and payload_hex (replay)",
        )?;
        let value = DynamicMessage::deserialize(self.record.clone(), stored.value).context("the value")?;
        let record = RawRecord::decode(&value.encode_to_vec()[..]).context("the value")?;
        Ok(Line::Record { partition: stored.partition, offset: stored.offset, record })
    }
}

fn message(captured: Captured) -> anyhow::Result<Line> {
    let payload = hex(&captured.payload_hex).context("invalid payload_hex: expected an even number of hex digits")?;
    let (key, record) = message_record(captured.at_us, &captured.topic, payload)?;
    Ok(Line::Message { key, record })
}

/// A message of the MQTT broker that arrived at `at_us` (microseconds since the Unix epoch), as the bridge would write it:
/// key and record.
///
/// # Errors
/// The topic is not a topic of a receiver.
pub fn message_record(at_us: u64, topic: &str, payload: Vec<u8>) -> anyhow::Result<(String, RawRecord)> {
    let topic = Topic::parse_under_any_prefix(topic).with_context(|| {
        format!("invalid topic {topic:?}: expected <prefix>/<receiver>/f or <prefix>/<receiver>/hw")
    })?;
    let receiver_id = topic.receiver();
    let key =
        topic.device(&payload).map_or_else(|| receiver_id.to_owned(), |address| DeviceAddress(address).to_string());
    let input = match topic {
        Topic::Frame { .. } => Input::MqttFrame(payload.into()),
        Topic::Hardware { .. } => Input::ReceiverHardware(payload.into()),
    };
    let record = RawRecord {
        ingested_at_us: at_us,
        receiver_id: Some(receiver_id.to_owned()),
        origin_id: None,
        input: Some(input),
    };
    Ok((key, record))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_as_kcat_prints_it() {
        let line = r#"{"topic":"fanet.raw.v1","partition":17,"offset":123,"key":"110B90","headers":{},
            "message":"updraft.v1.RawRecord",
            "value":{"ingested_at_us":"1750000000000001","receiver_id":"8896672","mqtt_frame":"AQID"}}"#;
        let record = RawRecord {
            ingested_at_us: 1_750_000_000_000_001,
            receiver_id: Some("8896672".into()),
            origin_id: None,
            input: Some(Input::MqttFrame(vec![1, 2, 3].into())),
        };
        assert_eq!(LineReader::new().read(line).expect("good"), Line::Record { partition: 17, offset: 123, record });
    }

    #[test]
    fn a_written_record_is_read_again() {
        let record = RawRecord {
            ingested_at_us: 1_750_000_000_000_001,
            receiver_id: Some("8896672".into()),
            origin_id: Some(u64::MAX),
            input: Some(Input::MqttFrame(vec![0xFF, 0, 3].into())),
        };
        let (lines, mut out) = (LineReader::new(), Vec::new());
        lines.write(17, 123, 5, &record, &mut out).expect("memory takes all");
        let line = String::from_utf8(out).expect("text");
        assert_eq!(lines.read(&line).expect("good"), Line::Record { partition: 17, offset: 123, record });
    }

    #[test]
    fn a_message_as_replay_writes_it() {
        let payload = "42581d6a9aff0a0047110101337a41651108e1";
        let line = |topic: &str| format!(r#"{{"at_us":7,"topic":"{topic}","payload_hex":"{payload}"}}"#);
        for topic in ["fb/b/268/f/7", "fb/b/268/f"] {
            let Line::Message { key, record } = LineReader::new().read(&line(topic)).expect("good") else {
                panic!("a message")
            };
            assert_eq!((key.as_str(), record.receiver_id.as_deref()), ("110101", Some("268")));
            assert!(matches!(record.input, Some(Input::MqttFrame(bytes)) if bytes.len() == 19));
        }
        let Line::Message { key, record } = LineReader::new().read(&line("fb/b/268/hw")).expect("good") else {
            panic!("a message")
        };
        assert_eq!(key, "268");
        assert!(matches!(record.input, Some(Input::ReceiverHardware(_))));
    }

    #[test]
    fn anything_else_is_refused_with_an_explanation() {
        for (line, why) in [
            ("", "JSON"),
            ("{}", "partition, offset and value"),
            (r#"{"partition":1,"offset":2,"value":{"nonsense":1}}"#, "the value"),
            (r#"{"at_us":7,"topic":"fb/b/1/f/1","payload_hex":"4"}"#, "payload_hex"),
            (r#"{"at_us":7,"topic":"other","payload_hex":"42"}"#, "invalid topic \"other\""),
        ] {
            let error = LineReader::new().read(line).expect_err(line);
            assert!(format!("{error:#}").contains(why), "{line}: {error:#}");
        }
    }
}
