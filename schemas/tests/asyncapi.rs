//! `asyncapi.yaml`: the topics and the WebSocket for those who make documents or code of it. Made of `topics.toml` and
//! `proto/`; this test fails where the file says anything else. `UPDATE_ASYNCAPI=1 cargo test -p schemas` writes it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use schemas::catalogue::{Topic, topics};
use schemas::json_schema::Types;
use serde_json::{Map, Value, json};

const ROOM: &str = "a string takes all";
const ABOUT: &str = "What Updraft writes into Kafka and pushes over its WebSocket. Values are Protobuf (package updraft.v1, \
                     files in schemas/proto); in Kafka they are framed as Confluent's schema registry has it. The schemas \
                     here are those of the JSON form: 64-bit integers are strings, device addresses six hex digits, enums \
                     lower-case names; what is absent is not known. Operations are seen from outside: what others receive \
                     and send.";

#[test]
fn the_document_is_made_of_catalogue_and_messages() {
    let made =
        format!("# Made by schemas/tests/asyncapi.rs: UPDATE_ASYNCAPI=1 cargo test -p schemas\n{}", yaml(&document()));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("asyncapi.yaml");
    if std::env::var_os("UPDATE_ASYNCAPI").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == made, "asyncapi.yaml is not what it is made of: UPDATE_ASYNCAPI=1 cargo test -p schemas");
}

fn document() -> Value {
    let mut schemas = BTreeMap::new();
    let mut messages = Map::new();
    let (mut channels, mut operations) = (Map::new(), Map::new());
    for topic in topics().iter().filter(|topic| !topic.internal) {
        let id = topic.name.trim_start_matches("fanet.").replace(['.', '-'], "_");
        let name = topic.message.as_deref().map_or("DeadLetter", short);
        Types::get().collect(name, &mut schemas);
        messages.entry(name).or_insert_with(|| kafka_message(name, topic));
        channels.insert(id.clone(), topic_channel(topic, name));
        operations.insert(format!("read_{id}"), operation("receive", &id, &topic.about));
    }
    for name in ["ServerMessage", "ClientMessage"] {
        Types::get().collect(name, &mut schemas);
        messages.insert(
            name.to_owned(),
            json!({ "name": name, "contentType": "application/x-protobuf", "payload": schema_of(name) }),
        );
    }
    schemas.insert("RecordHeaders".to_owned(), record_headers());
    channels.insert("updates".to_owned(), updates_channel());
    operations.insert(
        "hear".to_owned(),
        with_message(operation("receive", "updates", "The server sends."), "updates", "ServerMessage"),
    );
    operations.insert(
        "ask".to_owned(),
        with_message(operation("send", "updates", "The client sends."), "updates", "ClientMessage"),
    );
    json!({
        "asyncapi": "3.1.0",
        "info": { "title": "Updraft", "version": "1.0.0", "description": ABOUT, "license": { "name": "MIT OR Apache-2.0" } },
        "defaultContentType": "application/x-protobuf",
        "servers": {
            "kafka": { "host": "localhost:9092", "protocol": "kafka", "description": "Topics; their names may have a prefix." },
            "pusher": { "host": "localhost:8090", "protocol": "ws", "description": "wss where TLS is in front or set." },
        },
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": schemas },
    })
}

fn short(message: &str) -> &str {
    message.rsplit('.').next().unwrap_or(message)
}

fn schema_of(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn kafka_message(name: &str, topic: &Topic) -> Value {
    if topic.message.is_none() {
        let header = json!({ "type": "string" });
        let names = ["source-topic", "source-partition", "source-offset", "reason", "service"];
        let headers: Map<String, Value> = names.into_iter().map(|name| (name.to_owned(), header.clone())).collect();
        return json!({
            "name": name,
            "summary": "The input as it came.",
            "contentType": "application/octet-stream",
            "headers": { "type": "object", "properties": headers },
            "payload": { "type": "string", "format": "binary" },
        });
    }
    json!({
        "name": name,
        "contentType": "application/x-protobuf",
        "headers": { "$ref": "#/components/schemas/RecordHeaders" },
        "payload": schema_of(name),
    })
}

fn record_headers() -> Value {
    let text = |about: &str| json!({ "type": "string", "description": about });
    json!({ "type": "object", "properties": {
        "traceparent": text("W3C trace context, on the share of the records that is traced."),
        "observation-id": text("The raw record, as 17-123456, where there is one."),
        "version": text("Of states and their tombstones: the raw offset that made them. Ignore a version lower than the known one."),
        "way": text("Times at receiver, bridge and processor: r=<us>,b=<us>,p=<us>."),
    } })
}

fn topic_channel(topic: &Topic, message: &str) -> Value {
    let writers: Vec<&str> = std::iter::once(&topic.owner).chain(&topic.writers).map(String::as_str).collect();
    let mut configuration = Map::new();
    configuration.insert("cleanup.policy".to_owned(), topic.cleanup.split(',').collect());
    if let Some(retention) = topic.retention {
        configuration.insert("retention.ms".to_owned(), (retention.as_millis() as u64).into());
    }
    json!({
        "address": topic.name,
        "description": format!("{} Key: {}. Written by {}; read by {}.", topic.about, topic.key, writers.join(", "), topic.readers.join(", ")),
        "servers": [{ "$ref": "#/servers/kafka" }],
        "messages": { message: { "$ref": format!("#/components/messages/{message}") } },
        "bindings": { "kafka": { "partitions": topic.partitions, "topicConfiguration": configuration, "bindingVersion": "0.5.0" } },
    })
}

fn updates_channel() -> Value {
    let number = |about: &str| json!({ "type": "number", "description": about });
    let text = |about: &str| json!({ "type": "string", "description": about });
    json!({
        "address": "/ws/v1/updates",
        "description": "The changes of a region. Subprotocols: updraft.v1.proto (binary, the default) and updraft.v1.json \
                        (the same as JSON text). One message per WebSocket frame. docs/write-a-client.md explains it.",
        "servers": [{ "$ref": "#/servers/pusher" }],
        "messages": {
            "ServerMessage": { "$ref": "#/components/messages/ServerMessage" },
            "ClientMessage": { "$ref": "#/components/messages/ClientMessage" },
        },
        "bindings": { "ws": { "method": "GET", "bindingVersion": "0.1.0", "query": { "type": "object", "properties": {
            "lat": number("Latitude of the centre, degrees; with lon and radius."),
            "lon": number("Longitude of the centre, degrees."),
            "radius": number("Kilometres, 1 to 200."),
            "bounds": text("sw_lat,sw_lon,ne_lat,ne_lon instead of a centre."),
            "token": text("Access token."),
            "resume": text("Resume token of an earlier connection with the same subscription, or of a REST snapshot."),
            "fleet": text("The id of a fleet: its devices wherever they are."),
            "kinds": text("aircraft,ground,thermal,station,receiver,alert,landmark: some of them."),
            "rate": text("live, 1s, 5s or 30s."),
            "zone_events": text("true or false: events of aircraft that enter and leave zones."),
        } } } },
    })
}

fn operation(action: &str, channel: &str, summary: &str) -> Value {
    json!({ "action": action, "channel": { "$ref": format!("#/channels/{channel}") }, "summary": summary })
}

fn with_message(mut operation: Value, channel: &str, message: &str) -> Value {
    operation["messages"] = json!([{ "$ref": format!("#/channels/{channel}/messages/{message}") }]);
    operation
}

/// Block style; every text in double quotes, as in JSON, which YAML reads too.
fn yaml(value: &Value) -> String {
    let mut text = String::new();
    write_yaml(&mut text, value, 0);
    text
}

fn write_yaml(text: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) => {
            // Sorted, since the order in the map depends on the features of the library.
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            for (name, inner) in sorted {
                let name = if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                    name.clone()
                } else {
                    format!("{name:?}")
                };
                write!(text, "{indent}{name}:").expect(ROOM);
                write_inner(text, inner, depth);
            }
        }
        Value::Array(items) => {
            for inner in items {
                write!(text, "{indent}-").expect(ROOM);
                write_inner(text, inner, depth);
            }
        }
        plain => writeln!(text, "{indent}{plain}").expect(ROOM),
    }
}

fn write_inner(text: &mut String, inner: &Value, depth: usize) {
    let is_empty = inner.as_object().is_some_and(Map::is_empty) || inner.as_array().is_some_and(Vec::is_empty);
    if is_empty || !(inner.is_object() || inner.is_array()) {
        writeln!(text, " {inner}").expect(ROOM);
    } else {
        text.push('\n');
        write_yaml(text, inner, depth + 1);
    }
}
