//! The JSON forms of the wire types as JSON Schema, made of the descriptors: for OpenAPI and AsyncAPI documents.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto};
use serde_json::{Map, Value, json};

/// All messages and enums by their names without package.
#[derive(Debug)]
pub struct Types {
    messages: BTreeMap<String, Message>,
    enums: BTreeMap<String, EnumDescriptorProto>,
}

#[derive(Debug)]
struct Message {
    descriptor: DescriptorProto,
    /// Of the live messages, empty lists are left out.
    leaves_empty_out: bool,
}

impl Types {
    /// Those of this build.
    pub fn get() -> &'static Self {
        static TYPES: OnceLock<Types> = OnceLock::new();
        TYPES.get_or_init(|| {
            let (mut messages, mut enums) = (BTreeMap::new(), BTreeMap::new());
            for file in crate::descriptors::descriptor_set().file {
                let leaves_empty_out = file.name().ends_with("live.proto");
                let named = |descriptor: DescriptorProto| {
                    (descriptor.name().to_owned(), Message { descriptor, leaves_empty_out })
                };
                let nested = file.message_type.iter().flat_map(|message| message.nested_type.clone());
                messages.extend(nested.map(named));
                messages.extend(file.message_type.clone().into_iter().map(named));
                enums.extend(file.enum_type.into_iter().map(|one| (one.name().to_owned(), one)));
            }
            Self { messages, enums }
        })
    }

    /// A message's descriptor.
    pub fn message(&self, name: &str) -> Option<&DescriptorProto> {
        self.messages.get(name).map(|message| &message.descriptor)
    }

    /// The words of an enum as JSON shows them.
    pub fn words(&self, name: &str) -> Vec<String> {
        let Some(found) = self.enums.get(name) else { return Vec::new() };
        let zero = found.value.first().map(|value| value.name()).unwrap_or_default();
        let prefix = zero.trim_end_matches("UNSPECIFIED");
        // Rates are written as in URLs.
        let word = |value: &str| value.trim_start_matches(prefix).trim_start_matches("EVERY_").to_ascii_lowercase();
        found.value.iter().map(|value| word(value.name())).collect()
    }

    /// Adds the schema of a message, and of those in it, under their names; references are to `#/components/schemas/`.
    pub fn collect(&self, name: &str, schemas: &mut BTreeMap<String, Value>) {
        let Some(message) = self.messages.get(name).filter(|_| !schemas.contains_key(name)) else { return };
        schemas.insert(name.to_owned(), Value::Null);
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in &message.descriptor.field {
            properties.insert(field.name().to_owned(), self.schema(field, schemas));
            let repeated = field.label() == Label::Repeated;
            let always = if repeated { !message.leaves_empty_out } else { field.r#type() != Type::Message };
            if always && field.oneof_index.is_none() {
                required.push(field.name());
            }
        }
        schemas.insert(name.to_owned(), json!({ "type": "object", "properties": properties, "required": required }));
    }

    fn schema(&self, field: &FieldDescriptorProto, schemas: &mut BTreeMap<String, Value>) -> Value {
        let one = match field.r#type() {
            Type::Message => {
                let name = short_name(field);
                self.collect(name, schemas);
                json!({ "$ref": format!("#/components/schemas/{name}") })
            }
            Type::Enum => json!({ "type": "string", "enum": self.words(short_name(field)) }),
            Type::Bool => json!({ "type": "boolean" }),
            Type::Double | Type::Float => json!({ "type": "number" }),
            Type::Fixed64 if field.name() != "key" => json!({ "type": "string", "pattern": "^[0-9]+-[0-9]+$" }),
            Type::Fixed64 | Type::Uint64 => json!({ "type": "string", "pattern": "^[0-9]+$" }),
            Type::Int64 | Type::Sint64 | Type::Sfixed64 => json!({ "type": "string", "pattern": "^-?[0-9]+$" }),
            Type::Uint32 | Type::Fixed32 if is_device(field.name()) => {
                json!({ "type": "string", "pattern": "^[0-9A-F]{6}$" })
            }
            Type::Bytes => json!({ "type": "string", "pattern": "^([0-9a-f]{2})*$" }),
            Type::String => json!({ "type": "string" }),
            _ => json!({ "type": "integer" }),
        };
        if field.label() == Label::Repeated { json!({ "type": "array", "items": one }) } else { one }
    }
}

/// The name of a field's message or enum, without package.
pub fn short_name(field: &FieldDescriptorProto) -> &str {
    field.type_name().rsplit('.').next().unwrap_or_default()
}

/// As the build has it: which numbers are written as addresses.
fn is_device(name: &str) -> bool {
    ["device", "devices"].contains(&name) || name.ends_with("_device") || name.ends_with("_devices")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1;

    #[test]
    fn what_is_required_and_how_it_is_written_is_what_json_has() {
        let mut schemas = BTreeMap::new();
        Types::get().collect("AirPicture", &mut schemas);
        Types::get().collect("ServerMessage", &mut schemas);
        Types::get().collect("ClientMessage", &mut schemas);
        let check = |name: &str, written: Value| {
            let schema = &schemas[name];
            let known: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
            let written = written.as_object().unwrap();
            assert!(written.keys().all(|field| known.contains(&field)), "{name}: {written:?}");
            for field in schema["required"].as_array().unwrap() {
                assert!(written.contains_key(field.as_str().unwrap()), "{name} {field}");
            }
            for (field, value) in written {
                let expected = schema["properties"][field]["type"].as_str().unwrap_or("object");
                let kind = match value {
                    Value::String(_) => "string",
                    Value::Bool(_) => "boolean",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                    Value::Number(number) if number.is_f64() => "number",
                    _ => "integer",
                };
                assert_eq!(kind, expected, "{name}.{field}");
            }
        };
        check("AircraftState", serde_json::to_value(v1::AircraftState::default()).unwrap());
        check("AirPicture", serde_json::to_value(v1::AirPicture::default()).unwrap());
        check("AircraftUpdate", serde_json::to_value(v1::AircraftUpdate::default()).unwrap());
        check("Present", serde_json::to_value(v1::Present::default()).unwrap());
        check(
            "Welcome",
            serde_json::to_value(v1::Welcome { limits: Some(v1::Limits::default()), ..Default::default() }).unwrap(),
        );
        let rate = v1::Subscribe {
            rate: Some(v1::RateClass::Every5s.into()),
            follow_devices: vec![0x11_0B90],
            ..Default::default()
        };
        let rate = serde_json::to_value(rate).unwrap();
        assert!(schemas["Subscribe"]["properties"]["rate"]["enum"].as_array().unwrap().contains(&rate["rate"]));
        check("Subscribe", rate);
    }
}
