//! The JSON forms of the wire types as JSON Schema, made of the descriptors: for OpenAPI and AsyncAPI documents.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto};
use serde_json::{Map, Value, json};

use crate::json_form::{JsonForm, json_forms};

/// All messages and enums by their names without package.
#[derive(Debug)]
pub struct Types {
    messages: BTreeMap<String, Message>,
    enums: BTreeMap<String, EnumDescriptorProto>,
    forms: BTreeMap<String, JsonForm>,
}

#[derive(Debug)]
struct Message {
    descriptor: DescriptorProto,
    /// Its package and the messages around it, with its name.
    full_name: String,
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
                let package = file.package().to_owned();
                for message in file.message_type {
                    let scope = format!("{package}.{}", message.name());
                    let nested = message.nested_type.clone().into_iter().map(|nested| (scope.clone(), nested));
                    for (scope, descriptor) in nested.chain([(package.clone(), message)]) {
                        let (name, full_name) =
                            (descriptor.name().to_owned(), format!("{scope}.{}", descriptor.name()));
                        messages.insert(name, Message { descriptor, full_name, leaves_empty_out });
                    }
                }
                enums.extend(file.enum_type.into_iter().map(|one| (one.name().to_owned(), one)));
            }
            let forms = json_forms(crate::descriptors::DESCRIPTOR_SET).expect("the build wrote a descriptor set");
            Self { messages, enums, forms }
        })
    }

    /// A message's descriptor.
    pub fn message(&self, name: &str) -> Option<&DescriptorProto> {
        self.messages.get(name).map(|message| &message.descriptor)
    }

    /// The names of an enum's values as in JSON.
    pub fn value_names(&self, name: &str) -> Vec<String> {
        let Some(found) = self.enums.get(name) else { return Vec::new() };
        let zero = found.value.first().map(|value| value.name()).unwrap_or_default();
        let prefix = zero.trim_end_matches("UNSPECIFIED");
        // Rates are written as in URLs.
        let json_name =
            |value: &str| value.trim_start_matches(prefix).trim_start_matches("EVERY_").to_ascii_lowercase();
        found.value.iter().map(|value| json_name(value.name())).collect()
    }

    /// Adds the schema of a message, and of those in it, under their names; references are to `#/components/schemas/`.
    pub fn collect(&self, name: &str, schemas: &mut BTreeMap<String, Value>) {
        let Some(message) = self.messages.get(name).filter(|_| !schemas.contains_key(name)) else { return };
        schemas.insert(name.to_owned(), Value::Null);
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in &message.descriptor.field {
            properties.insert(field.name().to_owned(), self.schema(field, self.form(message, field), schemas));
            let repeated = field.label() == Label::Repeated;
            let always = if repeated { !message.leaves_empty_out } else { field.r#type() != Type::Message };
            if always && field.oneof_index.is_none() {
                required.push(field.name());
            }
        }
        schemas.insert(name.to_owned(), json!({ "type": "object", "properties": properties, "required": required }));
    }

    /// Whether JSON writes a single value of a message's field as text that is no enum's name.
    pub fn is_text(&self, message: &str, field: &FieldDescriptorProto) -> bool {
        let form = self.messages.get(message).and_then(|message| self.form(message, field));
        let by_type = matches!(field.r#type(), Type::String | Type::Bytes | Type::Uint64 | Type::Int64 | Type::Fixed64);
        by_type || form == Some(JsonForm::DeviceAddress)
    }

    /// Key and value of a map. `None`: the field is none.
    fn map_entry(&self, field: &FieldDescriptorProto) -> Option<&[FieldDescriptorProto]> {
        let entry = &self.messages.get(short_name(field))?.descriptor;
        entry.options.as_ref().is_some_and(|options| options.map_entry()).then_some(&entry.field[..])
    }

    fn form(&self, message: &Message, field: &FieldDescriptorProto) -> Option<JsonForm> {
        self.forms.get(&format!("{}.{}", message.full_name, field.name())).copied()
    }

    fn schema(
        &self,
        field: &FieldDescriptorProto,
        form: Option<JsonForm>,
        schemas: &mut BTreeMap<String, Value>,
    ) -> Value {
        if let Some([_, value]) = self.map_entry(field) {
            return json!({ "type": "object", "additionalProperties": self.schema(value, None, schemas) });
        }
        let one = match field.r#type() {
            Type::Message => {
                let name = short_name(field);
                self.collect(name, schemas);
                json!({ "$ref": format!("#/components/schemas/{name}") })
            }
            Type::Enum => json!({ "type": "string", "enum": self.value_names(short_name(field)) }),
            Type::Bool => json!({ "type": "boolean" }),
            Type::Double | Type::Float => json!({ "type": "number" }),
            Type::Fixed64 if form != Some(JsonForm::Decimal) => {
                json!({ "type": "string", "pattern": "^[0-9]+-[0-9]+$" })
            }
            Type::Fixed64 | Type::Uint64 => json!({ "type": "string", "pattern": "^[0-9]+$" }),
            Type::Int64 | Type::Sint64 | Type::Sfixed64 => json!({ "type": "string", "pattern": "^-?[0-9]+$" }),
            Type::Uint32 | Type::Fixed32 if form == Some(JsonForm::DeviceAddress) => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1;

    /// A field that is called `device` holds an address; for lists and counts only the mark decides.
    #[test]
    fn every_device_field_is_marked() {
        let types = Types::get();
        for message in types.messages.values() {
            for field in &message.descriptor.field {
                let is_number = matches!(field.r#type(), Type::Uint32 | Type::Fixed32);
                let is_named = field.name() == "device" || field.name().ends_with("_device");
                let form = types.form(message, field);
                let label = format!("{}.{}", message.full_name, field.name());
                assert!(!(is_number && is_named) || form == Some(JsonForm::DeviceAddress), "{label} is not marked");
                assert!(form != Some(JsonForm::DeviceAddress) || is_number, "{label} is no number");
            }
        }
    }

    #[test]
    fn a_map_is_an_object_with_any_names() {
        let mut schemas = BTreeMap::new();
        Types::get().collect("AuditList", &mut schemas);
        let details = &schemas["AuditRecord"]["properties"]["details"];
        assert_eq!(*details, json!({ "type": "object", "additionalProperties": { "type": "string" } }));
        assert!(!schemas.contains_key("DetailsEntry"));
    }

    #[test]
    fn counts_of_devices_are_numbers() {
        let mut schemas = BTreeMap::new();
        Types::get().collect("ServerMessage", &mut schemas);
        Types::get().collect("ClientMessage", &mut schemas);
        let count = &schemas["Limits"]["properties"]["max_followed_devices"];
        assert_eq!(*count, json!({ "type": "integer" }));
        let limits = v1::Limits { max_followed_devices: 100, ..Default::default() };
        assert_eq!(serde_json::to_value(limits).expect("JSON")["max_followed_devices"], 100);
        let followed = &schemas["Subscribe"]["properties"]["follow_devices"]["items"];
        assert_eq!(*followed, json!({ "type": "string", "pattern": "^[0-9A-F]{6}$" }));
    }

    #[test]
    fn required_fields_and_their_forms_are_those_of_json() {
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
