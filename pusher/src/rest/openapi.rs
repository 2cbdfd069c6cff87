//! `GET /api/openapi.json`: made from the endpoints' own parameters and the descriptors of their messages.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use schemas::json_schema::Types;
use serde_json::{Map, Value, json};

use super::endpoint::{Endpoint, Parameter};
use super::{endpoints, media_types, position, presence, validation};

pub(super) async fn get() -> Response {
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    let text = TEXT.get_or_init(|| serde_json::to_vec(document()).expect("our names are strings").into());
    ([(header::CONTENT_TYPE, "application/json")], text.clone()).into_response()
}

/// The document; the same for the life of the process.
pub(super) fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(make)
}

fn make() -> Value {
    let mut schemas = BTreeMap::from([("Problem".to_owned(), problem_schema())]);
    let mut paths = Map::new();
    for endpoint in endpoints() {
        Types::get().collect(endpoint.message, &mut schemas);
        paths.insert(endpoint.path.to_owned(), json!({ "get": operation(endpoint) }));
    }
    Types::get().collect("PositionReport", &mut schemas);
    paths.insert(position::PATH.to_owned(), json!({ "post": position_operation() }));
    schemas.insert("Presence".to_owned(), presence_schema());
    paths.insert(presence::PATH.to_owned(), json!({ "get": presence_operation() }));
    paths.insert(validation::RESET_PATH.to_owned(), json!({ "post": reset_operation() }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Updraft",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The live air picture of paragliders, hang gliders and other light aircraft. 64-bit integers \
                            are strings, device addresses six hex digits, enums lower-case names; what is absent is not known.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
            "detail": {"type": "string"}, "code": {"type": "string"},
            "known_parameters": {"type": "array", "items": {"type": "string"}},
            "new_name": {"type": "string"},
        },
        "required": ["type", "title", "status", "detail", "code"],
    })
}

fn presence_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "server_time": {"type": "string"}, "connections_here": {"type": "integer"},
            "connections": {"type": "integer"}, "instances": {"type": "integer"},
        },
        "required": ["server_time", "connections_here"],
    })
}

fn presence_operation() -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Presence" });
    json!({
        "summary": presence::SUMMARY,
        "responses": {
            "200": {
                "description": "Without Redis, or while it is away, only what is known here.",
                "content": { "application/json": { "schema": schema } },
            },
            "400": problem("It has no parameters."),
        },
    })
}

fn problem(description: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}

fn content(message: &str) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{message}") });
    json!({ "application/json": { "schema": schema }, "application/x-protobuf": {} })
}

/// All forms of an endpoint's answer. A table is no message; a track streams, as JSON or in forms of its own.
fn contents(endpoint: &Endpoint) -> Value {
    let others = media_types(endpoint);
    let mut contents =
        if Types::get().message(endpoint.message).is_some() { content(endpoint.message) } else { json!({}) };
    if let Some(forms) = contents.as_object_mut().filter(|_| !others.is_empty()) {
        forms.remove("application/x-protobuf");
        forms.extend(others.into_iter().map(|media_type| (media_type.to_owned(), json!({}))));
    }
    contents
}

fn reset_operation() -> Value {
    let address = json!({
        "name": "address", "in": "path", "required": true, "description": "Six hex digits, for example 110B90.",
        "schema": { "type": "string", "pattern": "^[0-9A-Fa-f]{6}$" },
    });
    json!({
        "summary": validation::RESET_SUMMARY,
        "parameters": [address],
        "responses": {
            "202": {
                "description": "The order is in the log.",
                "headers": { "x-observation-id": { "description": "The id of the record.", "schema": { "type": "string" } } },
            },
            "400": problem("It says something that cannot be."),
            "403": problem("Orders are not taken here."),
            "503": problem("The log does not take it now."),
        },
    })
}

fn position_operation() -> Value {
    json!({
        "summary": position::SUMMARY,
        "security": [{ "key": [] }],
        "requestBody": { "required": true, "content": content("PositionReport") },
        "responses": {
            "202": {
                "description": "It is in the log.",
                "headers": { "x-observation-id": { "description": "The id of the record.", "schema": { "type": "string" } } },
            },
            "400": problem("It says something that cannot be."),
            "401": problem("The key is missing, or not known."),
            "413": problem("The body is too large."),
            "415": problem("The body is neither JSON nor Protobuf."),
            "429": problem("Less than a second after the one before."),
            "503": problem("The log does not take it now."),
        },
    })
}

/// What a parameter may say, as far as a schema can tell.
fn value_of(parameter: &Parameter) -> Value {
    let mut value = json!({ "type": parameter.kind });
    let narrower = match parameter.name {
        "address" => json!({ "pattern": "^[0-9A-Fa-f]{6}$" }),
        "lat" => json!({ "minimum": -90, "maximum": 90 }),
        "lon" => json!({ "minimum": -180, "maximum": 180 }),
        "radius" => json!({ "exclusiveMinimum": 0, "maximum": geo::Circle::MAX_RADIUS_KM }),
        "max_age_s" => json!({ "minimum": 0, "maximum": 10_000_000 }),
        "min_quality" => json!({ "minimum": 0, "maximum": 5 }),
        "q" => json!({ "minLength": 2 }),
        _ => json!({}),
    };
    if let (Value::Object(value), Value::Object(narrower)) = (&mut value, narrower) {
        value.extend(narrower);
    }
    value
}

fn operation(endpoint: &Endpoint) -> Value {
    let parameter = |parameter: &Parameter, place: &str| {
        json!({
            "name": parameter.name, "in": place, "required": place == "path" || parameter.name == "q",
            "description": parameter.about, "schema": value_of(parameter),
        })
    };
    let in_path = endpoint.path_parameters.iter().map(|one| parameter(one, "path"));
    let in_query = endpoint.parameters.iter().map(|one| parameter(one, "query"));
    let etag = json!({ "description": "Of the answer.", "schema": { "type": "string" } });
    let source = json!({
        "description": "`redis` until the air picture is complete: then receivers and alerts are missing.",
        "schema": { "type": "string", "enum": ["redis"] },
    });
    json!({
        "summary": endpoint.summary,
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": {
            "200": {
                "description": "The answer; as Protobuf it is the message of the same name in package updraft.v1.",
                "headers": { "etag": etag, "x-source": source },
                "content": contents(endpoint),
            },
            "304": { "description": "Nothing changed since the answer with that ETag." },
            "400": problem("A parameter is not known, or says something that cannot be."),
            "404": problem("There is nothing of that name."),
            "503": problem("Not now; Retry-After says when."),
        },
    })
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
        for (path, method) in [(validation::RESET_PATH, "post"), (position::PATH, "post"), (presence::PATH, "get")] {
            assert!(document["paths"][path][method]["responses"].is_object(), "{path}");
        }
        let text = document.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap_or_default();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
    }
}
