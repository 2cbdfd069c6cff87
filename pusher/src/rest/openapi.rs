//! `GET /api/openapi.json`: made from the endpoints' own parameters and the descriptors of their messages.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Json, Response};
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use schemas::descriptors::DESCRIPTOR_SET;
use serde_json::{Map, Value, json};

use super::ENDPOINTS;
use super::endpoint::{Endpoint, Parameter};

pub(super) async fn get() -> Response {
    Json(document()).into_response()
}

fn document() -> Value {
    let types = Types::read();
    let mut schemas = BTreeMap::new();
    let mut paths = Map::new();
    for endpoint in ENDPOINTS {
        types.collect(endpoint.message, &mut schemas);
        paths.insert(endpoint.path.to_owned(), json!({ "get": operation(endpoint) }));
    }
    let problem = json!({
        "type": "object",
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
            "detail": {"type": "string"}, "code": {"type": "string"},
            "known_parameters": {"type": "array", "items": {"type": "string"}},
        },
    });
    schemas.insert("Problem".to_owned(), problem);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Updraft",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The live air picture of paragliders, hang gliders and other light aircraft. 64-bit integers \
                            are strings, device addresses six hex digits, enums lower-case names; what is absent is not known.",
        },
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let parameter = |parameter: &Parameter, place: &str| {
        json!({
            "name": parameter.name, "in": place, "required": place == "path", "description": parameter.about,
            "schema": { "type": parameter.kind },
        })
    };
    let in_path = endpoint.path_parameters.iter().map(|one| parameter(one, "path"));
    let in_query = endpoint.parameters.iter().map(|one| parameter(one, "query"));
    let schema = json!({ "$ref": format!("#/components/schemas/{}", endpoint.message) });
    let problem = json!({
        "description": "A problem document (RFC 9457).",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    json!({
        "summary": endpoint.summary,
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": {
            "200": {
                "description": "The answer; as Protobuf it is the message of the same name in package updraft.v1.",
                "content": { "application/json": { "schema": schema }, "application/x-protobuf": {} },
            },
            "304": { "description": "Nothing changed since the answer with that ETag." },
            "400": problem, "404": problem, "503": problem,
        },
    })
}

/// All messages and enums by their names without package.
struct Types {
    messages: BTreeMap<String, DescriptorProto>,
    enums: BTreeMap<String, EnumDescriptorProto>,
}

impl Types {
    fn read() -> Self {
        let set = FileDescriptorSet::decode(DESCRIPTOR_SET).expect("compiled into this program");
        let (mut messages, mut enums) = (BTreeMap::new(), BTreeMap::new());
        for file in set.file {
            messages.extend(file.message_type.into_iter().map(|message| (message.name().to_owned(), message)));
            enums.extend(file.enum_type.into_iter().map(|one| (one.name().to_owned(), one)));
        }
        Self { messages, enums }
    }

    /// Adds the schema of a message and of those in it.
    fn collect(&self, name: &str, schemas: &mut BTreeMap<String, Value>) {
        let Some(message) = self.messages.get(name).filter(|_| !schemas.contains_key(name)) else { return };
        schemas.insert(name.to_owned(), Value::Null);
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in &message.field {
            properties.insert(field.name().to_owned(), self.schema(field, schemas));
            let always =
                field.oneof_index.is_none() && (field.label() == Label::Repeated || field.r#type() != Type::Message);
            if always {
                required.push(field.name());
            }
        }
        schemas.insert(name.to_owned(), json!({ "type": "object", "properties": properties, "required": required }));
    }

    fn schema(&self, field: &FieldDescriptorProto, schemas: &mut BTreeMap<String, Value>) -> Value {
        let type_name = field.type_name().rsplit('.').next().unwrap_or_default();
        let one = match field.r#type() {
            Type::Message => {
                self.collect(type_name, schemas);
                json!({ "$ref": format!("#/components/schemas/{type_name}") })
            }
            Type::Enum => json!({ "type": "string", "enum": self.words(type_name) }),
            Type::Bool => json!({ "type": "boolean" }),
            Type::Double | Type::Float => json!({ "type": "number" }),
            Type::Fixed64 => json!({ "type": "string", "example": "17-123456" }),
            Type::Uint64 | Type::Int64 | Type::Sint64 => json!({ "type": "string", "pattern": "^-?[0-9]+$" }),
            Type::Uint32 if field.name() == "device" => json!({ "type": "string", "pattern": "^[0-9A-F]{6}$" }),
            Type::Bytes => json!({ "type": "string", "pattern": "^([0-9a-f]{2})*$" }),
            Type::String => json!({ "type": "string" }),
            _ => json!({ "type": "integer" }),
        };
        if field.label() == Label::Repeated { json!({ "type": "array", "items": one }) } else { one }
    }

    fn words(&self, name: &str) -> Vec<String> {
        let Some(found) = self.enums.get(name) else { return Vec::new() };
        let zero = found.value.first().map(|value| value.name()).unwrap_or_default();
        let prefix = zero.trim_end_matches("UNSPECIFIED");
        found.value.iter().map(|value| value.name().trim_start_matches(prefix).to_ascii_lowercase()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_and_every_message_it_needs_is_described() {
        let document = document();
        let pilots = &document["paths"]["/api/v1/pilots"]["get"];
        assert_eq!(pilots["parameters"].as_array().map(Vec::len), Some(6));
        let aircraft = &document["components"]["schemas"]["AircraftState"];
        assert_eq!(aircraft["properties"]["device"]["pattern"], "^[0-9A-F]{6}$");
        assert_eq!(aircraft["properties"]["aircraft_kind"]["enum"][2], "paraglider");
        let text = document.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap_or_default();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
    }
}
