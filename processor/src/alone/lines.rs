//! The lines that the core alone can be fed with.

use anyhow::{Context as _, bail};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use schemas::descriptors::DESCRIPTOR_SET;
use schemas::id::DeviceAddress;
use schemas::v1::RawRecord;
use schemas::v1::raw_record::Input;
use serde::Deserialize;
use serde_json::Value;

/// Bytes of a base station's wrapper before the frame.
const WRAPPER: usize = 8;

/// One line.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    /// A record of the raw topic where it stood.
    Record { partition: u32, offset: u64, record: RawRecord },
    /// A message of the MQTT broker, with the key that the bridge would give it.
    Message { key: String, record: RawRecord },
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

/// Knows the messages by their descriptors: kcat writes Protobuf's own JSON, in which bytes are base64.
pub(super) struct Reader {
    record: MessageDescriptor,
}

impl Reader {
    pub(super) fn new() -> Self {
        let pool = DescriptorPool::decode(DESCRIPTOR_SET).expect("compiled into this program");
        Self { record: pool.get_message_by_name("updraft.v1.RawRecord").expect("declared in raw.proto") }
    }

    pub(super) fn read(&self, line: &str) -> anyhow::Result<Line> {
        let line: Value = serde_json::from_str(line).context("a line is a JSON object")?;
        if line.get("payload_hex").is_some() {
            return message(serde_json::from_value(line).context("a captured message")?);
        }
        let stored: Stored = serde_json::from_value(line)
            .context("a line has partition, offset and value (kcat), or at_us, topic and payload_hex (replay)")?;
        let value = DynamicMessage::deserialize(self.record.clone(), stored.value).context("the value")?;
        let record = RawRecord::decode(&value.encode_to_vec()[..]).context("the value")?;
        Ok(Line::Record { partition: stored.partition, offset: stored.offset, record })
    }
}

fn message(captured: Captured) -> anyhow::Result<Line> {
    let mut levels = captured.topic.rsplit('/');
    let (last, before) = (levels.next().unwrap_or_default(), levels.next().unwrap_or_default());
    let payload = hex(&captured.payload_hex).context("payload_hex is an even number of hex digits")?;
    let (receiver_id, input) = match (last, before) {
        ("hw", receiver_id) => (receiver_id, Input::ReceiverHardware(payload.clone().into())),
        ("f", receiver_id) => (receiver_id, Input::MqttFrame(payload.clone().into())),
        (_, "f") => (levels.next().unwrap_or_default(), Input::MqttFrame(payload.clone().into())),
        _ => bail!("{:?} is no receiver's topic", captured.topic),
    };
    let is_frame = matches!(input, Input::MqttFrame(_));
    let key = match payload.get(WRAPPER + 1..WRAPPER + 4) {
        Some([manufacturer, low, high]) if is_frame => {
            DeviceAddress(u32::from_be_bytes([0, *manufacturer, *high, *low])).to_string()
        }
        _ => receiver_id.to_owned(),
    };
    let record = RawRecord {
        ingested_at_us: captured.at_us,
        receiver_id: Some(receiver_id.to_owned()),
        origin_id: None,
        input: Some(input),
    };
    Ok(Line::Message { key, record })
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
        assert_eq!(Reader::new().read(line).expect("good"), Line::Record { partition: 17, offset: 123, record });
    }

    #[test]
    fn a_message_as_replay_writes_it() {
        let payload = "42581d6a9aff0a0047110101337a41651108e1";
        let line = |topic: &str| format!(r#"{{"at_us":7,"topic":"{topic}","payload_hex":"{payload}"}}"#);
        for topic in ["fb/b/268/f/7", "fb/b/268/f"] {
            let Line::Message { key, record } = Reader::new().read(&line(topic)).expect("good") else {
                panic!("a message")
            };
            assert_eq!((key.as_str(), record.receiver_id.as_deref()), ("110101", Some("268")));
            assert!(matches!(record.input, Some(Input::MqttFrame(bytes)) if bytes.len() == 19));
        }
        let Line::Message { key, record } = Reader::new().read(&line("fb/b/268/hw")).expect("good") else {
            panic!("a message")
        };
        assert_eq!(key, "268");
        assert!(matches!(record.input, Some(Input::ReceiverHardware(_))));
    }

    #[test]
    fn anything_else_is_refused_with_words() {
        for (line, why) in [
            ("", "JSON"),
            ("{}", "partition, offset and value"),
            (r#"{"partition":1,"offset":2,"value":{"nonsense":1}}"#, "the value"),
            (r#"{"at_us":7,"topic":"fb/b/1/f/1","payload_hex":"4"}"#, "payload_hex"),
            (r#"{"at_us":7,"topic":"other","payload_hex":"42"}"#, "no receiver's topic"),
        ] {
            let error = Reader::new().read(line).expect_err(line);
            assert!(format!("{error:#}").contains(why), "{line}: {error:#}");
        }
    }
}
