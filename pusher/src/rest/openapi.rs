//! `GET /api/openapi.json`: generated from the parameters of the endpoints and the descriptors of their messages.

mod fleets;
mod notifications;
mod problem;
mod zone_sets;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use access::rules::{Needs, RULES};
use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use schemas::json_schema::Types;
use serde_json::{Map, Value, json};

use self::problem::problem;
use super::endpoint::{Endpoint, Parameter};
use super::{
    alert_commands, audit, command, companies, connections, dead_letters, decisions, deprecation, device_commands,
    device_data, devices, export, fleets as of_fleets, flights, hidden_alerts, keys, list, me, ownership, position,
    presence, region_history, restrictions, search, session, sign_in, silent, snapshot, suspects, track, validation,
    weather_history, winds, zone_events, zones,
};

/// The endpoints for GET that are no lists.
const ENDPOINTS: [&Endpoint; 24] = [
    &snapshot::ENDPOINT,
    &devices::ENDPOINT,
    &search::ENDPOINT,
    &track::ENDPOINT,
    &flights::ENDPOINT,
    &region_history::ENDPOINT,
    &silent::ENDPOINT,
    &weather_history::ENDPOINT,
    &winds::ENDPOINT,
    &zones::ENDPOINT,
    &zone_events::ENDPOINT,
    &export::ENDPOINT,
    &validation::ENDPOINT,
    &device_data::ENDPOINT,
    &audit::ENDPOINT,
    &suspects::ENDPOINT,
    &decisions::ENDPOINT,
    &restrictions::ENDPOINT,
    &dead_letters::ENDPOINT,
    &hidden_alerts::ENDPOINT,
    &keys::ENDPOINT,
    &of_fleets::ENDPOINT,
    &companies::ENDPOINT,
    &connections::ENDPOINT,
];

pub(super) async fn get() -> Response {
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    let text = TEXT.get_or_init(|| serde_json::to_vec(document()).expect("all keys are strings").into());
    ([(header::CONTENT_TYPE, "application/json")], text.clone()).into_response()
}

/// The document, generated once per process.
pub(super) fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(generate)
}

/// All endpoints for GET.
fn endpoints() -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.into_iter().chain(list::LISTS.iter().map(|list| &list.endpoint))
}

/// The media types of a response besides those of its message; for a table, all of them.
fn media_types(endpoint: &Endpoint) -> Vec<&'static str> {
    match endpoint.path {
        path if path == track::ENDPOINT.path => track::media_types().collect(),
        path if path == export::ENDPOINT.path => export::media_types().collect(),
        path if path == zones::ENDPOINT.path => vec![zones::MEDIA_TYPE],
        path if path == device_data::ENDPOINT.path => vec![device_data::MEDIA_TYPE],
        path if path == device_data::ENDPOINT.path => vec![device_data::MEDIA_TYPE],
        _ => Vec::new(),
    }
}

fn generate() -> Value {
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
    schemas.insert("ZoneImport".to_owned(), zone_sets::import_schema());
    paths.insert(
        zones::SET_PATH.to_owned(),
        json!({ "put": zone_sets::import_operation(), "delete": zone_sets::removal_operation() }),
    );
    Types::get().collect("CommandReceipt", &mut schemas);
    for (path, method, operation) in commands() {
        paths.insert(path.to_owned(), json!({ (method): operation }));
    }
    schemas.insert("Me".to_owned(), me_schema());
    paths.insert(me::PATH.to_owned(), me_operations());
    ["FleetView", "SavedView"].into_iter().for_each(|message| Types::get().collect(message, &mut schemas));
    fleets::operations().into_iter().for_each(|(path, operations)| _ = paths.insert(path.to_owned(), operations));
    schemas.insert("SignIn".to_owned(), sign_in::schema());
    paths.insert(
        sign_in::PATH.to_owned(),
        json!({ "get": own_operation(sign_in::SUMMARY, "SignIn", "How one signs in.") }),
    );
    schemas.insert("Claim".to_owned(), ownership::schema());
    ownership_operations().into_iter().for_each(|(path, operations)| _ = paths.insert(path.to_owned(), operations));
    schemas.insert("Session".to_owned(), session::schema());
    session_operations().into_iter().for_each(|(path, operations)| _ = paths.insert(path.to_owned(), operations));
    notifications::add(&mut paths, &mut schemas);
    add_access(&mut paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Updraft",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The live air picture of paragliders, hang gliders and other light aircraft. 64-bit integers \
                            are strings, device addresses are six hex digits, enums are lower-case names; an absent field is unknown.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": security_schemes(),
        },
    })
}

/// How credentials are sent: one way for all kinds.
fn security_schemes() -> Value {
    json!({
        "token": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An access token of the identity provider, or of a session.",
        },
        "key": {
            "type": "http", "scheme": "bearer",
            "description": "An API key (updraft_…) or a position key.",
        },
    })
}

/// What the table of rules says of each operation: which credentials it needs, and the answers without them.
fn add_access(paths: &mut Map<String, Value>) {
    for rule in RULES {
        let operation = paths.get_mut(rule.path).and_then(|path| path.get_mut(rule.method.to_lowercase()));
        let Some(operation) = operation.and_then(Value::as_object_mut) else { continue };
        if deprecation::find(deprecation::DEPRECATED, rule.method, rule.path).is_some() {
            operation.insert("deprecated".to_owned(), json!(true));
        }
        let scopes: Vec<&str> = match rule.needs {
            Needs::Nothing | Needs::Credentials | Needs::Login | Needs::RefreshToken => Vec::new(),
            Needs::Scope(scope) => vec![scope.as_str()],
        };
        if let Some(Value::Object(responses)) = operation.get_mut("responses") {
            responses.insert("429".to_owned(), problem("Too many requests; Retry-After says when to come back."));
            if rule.needs != Needs::Nothing {
                responses.insert("401".to_owned(), problem("The credentials are missing, or not accepted."));
                responses.insert("403".to_owned(), problem("The credentials do not allow it."));
                responses.entry("503").or_insert_with(|| problem("Not now; Retry-After says when."));
            }
        }
        let security = match rule.needs {
            // The refresh token is in the body.
            Needs::Nothing | Needs::RefreshToken => continue,
            Needs::Login => json!([{ "key": scopes }]),
            Needs::Credentials | Needs::Scope(_) => json!([{ "token": scopes }, { "key": scopes }]),
        };
        operation.insert("security".to_owned(), security);
    }
}

fn me_operations() -> Value {
    json!({ "get": own_operation(me::SUMMARY, "Me", "The caller."), "put": fleets::settings_operation() })
}

fn me_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "server_time": {"type": "string"}, "subject": {"type": "string"}, "user_id": {"type": "string"},
            "name": {"type": "string"},
            "credential": {"type": "string", "enum": ["token", "api_key", "position_key", "session"]},
            "roles": {"type": "array", "items": {"type": "string"}},
            "scopes": {"type": "array", "items": {"type": "string"}},
            "company": {"type": "string"},
            "devices": {"type": "array", "items": {"type": "string", "pattern": "^[0-9A-F]{6}$"}},
            "fleets": {"type": "array", "items": {"$ref": "#/components/schemas/FleetView"}},
            "views": {"type": "array", "items": {"$ref": "#/components/schemas/SavedView"}},
            "display": {"type": "object", "additionalProperties": {"type": "string"}},
            "expires_at": {"type": "string"},
        },
        "required": [
            "server_time", "subject", "credential", "roles", "scopes", "devices", "fleets", "views", "display",
        ],
    })
}

/// Of an endpoint without parameters, whose answer has a schema of its own.
fn own_operation(summary: &str, schema: &str, answer: &str) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
    json!({
        "summary": summary,
        "responses": {
            "200": { "description": answer, "content": { "application/json": { "schema": schema } } },
            "400": problem("It has no parameters."),
        },
    })
}

/// Those of owners, by path.
fn ownership_operations() -> [(&'static str, Value); 2] {
    let device = json!({
        "name": devices::ADDRESS.name, "in": "path", "required": true, "description": devices::ADDRESS.about,
        "schema": schema_of(&devices::ADDRESS),
    });
    let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Claim" } } });
    let claim = json!({
        "summary": ownership::CLAIM_SUMMARY,
        "parameters": [device],
        "responses": {
            "201": { "description": "The code, and until when the device has to send it.", "content": content },
            "400": problem("The request is invalid."),
            "409": problem("The device has an owner."),
        },
    });
    let user_id = json!({ "type": ["string", "null"] });
    let body = json!({
        "type": "object", "properties": { "user_id": user_id }, "required": ["user_id"], "additionalProperties": false,
    });
    let owner = json!({
        "summary": ownership::OWNER_SUMMARY,
        "parameters": [device],
        "requestBody": { "required": true, "content": { "application/json": { "schema": body } } },
        "responses": {
            "204": { "description": "The owner is in the log, after its audit record." },
            "400": problem("The request is invalid."),
            "413": problem("The body is too large."),
            "503": problem("The log did not accept the owner or its audit record. Retry-After has the time to wait."),
        },
    });
    [(ownership::CLAIM_PATH, json!({ "post": claim })), (ownership::OWNER_PATH, json!({ "put": owner }))]
}

/// Those of sessions, by path.
fn session_operations() -> [(&'static str, Value); 2] {
    let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Session" } } });
    let unavailable = "Redis or the log does not answer, and nothing is changed. Retry-After has the time to wait.";
    let create = json!({
        "summary": session::CREATE_SUMMARY,
        "responses": {
            "201": { "description": "The session is open.", "content": content },
            "400": problem("It has no parameters."),
            "503": problem(unavailable),
        },
    });
    let end = json!({
        "summary": session::END_SUMMARY,
        "responses": {
            "204": { "description": "It has ended." },
            "400": problem("It has no parameters."),
            "409": problem("The credentials are of no session."),
            "503": problem("Redis or the log does not answer. Retry-After has the time to wait."),
        },
    });
    let body = json!({
        "type": "object", "properties": { "refresh_token": {"type": "string"} }, "required": ["refresh_token"],
        "additionalProperties": false,
    });
    let refresh = json!({
        "summary": session::REFRESH_SUMMARY,
        "requestBody": { "required": true, "content": { "application/json": { "schema": body } } },
        "responses": {
            "200": { "description": "The next tokens.", "content": content },
            "400": problem("The request is invalid."),
            "413": problem("The body is too large."),
            "503": problem(unavailable),
        },
    });
    [(session::PATH, json!({ "post": create, "delete": end })), (session::REFRESH_PATH, json!({ "post": refresh }))]
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
                "description": "Without Redis, or while it is unreachable, only the connections of this instance.",
                "content": { "application/json": { "schema": schema } },
            },
            "400": problem("The endpoint has no parameters."),
        },
    })
}

fn content(message: &str) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{message}") });
    json!({ "application/json": { "schema": schema }, "application/x-protobuf": {} })
}

/// All media types of an endpoint's response. A table has no message. A track is JSON or one of its own formats, not
/// Protobuf.
fn contents(endpoint: &Endpoint) -> Value {
    let further = media_types(endpoint);
    let mut contents =
        if Types::get().message(endpoint.message).is_some() { content(endpoint.message) } else { json!({}) };
    if let Some(contents) = contents.as_object_mut().filter(|_| !further.is_empty()) {
        contents.remove("application/x-protobuf");
        contents.extend(further.into_iter().map(|media_type| (media_type.to_owned(), json!({}))));
    }
    contents
}

/// The commands, by path and method.
fn commands() -> [(&'static str, &'static str, Value); 12] {
    let mut erase = command_operation(device_commands::ERASE_SUMMARY, &devices::ADDRESS);
    erase["responses"]["409"] = problem("The device has an open alert.");
    let mut acknowledge = command_operation(alert_commands::ACKNOWLEDGE_SUMMARY, &alert_commands::ID);
    let mut resolve = command_operation(alert_commands::RESOLVE_SUMMARY, &alert_commands::ID);
    for (operation, done) in [(&mut acknowledge, "acknowledged"), (&mut resolve, "resolved")] {
        let description = format!("It was {done} before: nothing was written. Its state is in the receipt.");
        operation["responses"]["200"] = json!({ "description": description, "content": content("CommandReceipt") });
        operation["responses"]["404"] = problem("There is no such alert.");
    }
    acknowledge["responses"]["409"] = problem("The alert is resolved.");
    let mut deny = command_operation(device_commands::DENY_SUMMARY, &devices::ADDRESS);
    let mut allow = command_operation(device_commands::ALLOW_SUMMARY, &devices::ADDRESS);
    let mut hide_name = command_operation(device_commands::HIDE_NAME_SUMMARY, &devices::ADDRESS);
    let mut show_name = command_operation(device_commands::SHOW_NAME_SUMMARY, &devices::ADDRESS);
    let remark = json!({ "type": "string", "maxLength": command::MAX_CHARACTERS });
    let body = json!({ "type": "object", "properties": { "remark": remark }, "additionalProperties": false });
    for operation in [&mut resolve, &mut deny, &mut allow, &mut hide_name, &mut show_name] {
        operation["requestBody"] = json!({ "required": false, "content": { "application/json": { "schema": body } } });
        operation["responses"]["413"] = problem("The body is too large.");
    }
    [
        (validation::RESET_PATH, "post", command_operation(validation::RESET_SUMMARY, &devices::ADDRESS)),
        (device_commands::HIDE_PATH, "post", command_operation(device_commands::HIDE_SUMMARY, &devices::ADDRESS)),
        (device_commands::SHOW_PATH, "post", command_operation(device_commands::SHOW_SUMMARY, &devices::ADDRESS)),
        (device_commands::DENY_PATH, "post", deny),
        (device_commands::ALLOW_PATH, "post", allow),
        (device_commands::HIDE_NAME_PATH, "post", hide_name),
        (device_commands::SHOW_NAME_PATH, "post", show_name),
        (device_commands::HISTORY_PATH, "delete", erase),
        (decisions::REJECT_PATH, "post", decision_operation(decisions::REJECT_SUMMARY, true)),
        (decisions::ACCEPT_PATH, "post", decision_operation(decisions::ACCEPT_SUMMARY, false)),
        (alert_commands::ACKNOWLEDGE_PATH, "post", acknowledge),
        (alert_commands::RESOLVE_PATH, "post", resolve),
    ]
}

/// A decision about one recorded position.
fn decision_operation(summary: &str, may_move: bool) -> Value {
    let mut operation = command_operation(summary, &devices::ADDRESS);
    let id = json!({
        "name": decisions::ID.name, "in": "path", "required": true, "description": decisions::ID.about,
        "schema": schema_of(&decisions::ID),
    });
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.push(id);
    }
    let mut properties = json!({
        "event_at_us": {
            "type": "string", "pattern": "^[0-9]{1,16}$", "description": "As the list has it: microseconds since 1970.",
        },
        "remark": { "type": "string", "maxLength": command::MAX_CHARACTERS },
    });
    if may_move {
        properties["position"] = json!({
            "type": "object",
            "description": "Where the device really was. Without it no position takes the place of the wrong one.",
            "properties": {
                "latitude_deg": { "type": "number", "minimum": -90, "maximum": 90 },
                "longitude_deg": { "type": "number", "minimum": -180, "maximum": 180 },
                "altitude_m": { "type": "number", "minimum": -1000, "maximum": 32000 },
            },
            "required": ["latitude_deg", "longitude_deg"],
            "additionalProperties": false,
        });
    }
    let body = json!({
        "type": "object", "properties": properties, "required": ["event_at_us"], "additionalProperties": false,
    });
    operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": body } } });
    operation["responses"]["404"] = problem("The history has no such position.");
    operation["responses"]["413"] = problem("The body is too large.");
    operation
}

fn command_operation(summary: &str, subject: &Parameter) -> Value {
    let subject = json!({
        "name": subject.name, "in": "path", "required": true, "description": subject.about, "schema": schema_of(subject),
    });
    json!({
        "summary": summary,
        "parameters": [subject],
        "responses": {
            "202": {
                "description": "The command is in the log, after its audit record.",
                "headers": { "x-observation-id": { "description": "Id of the record.", "schema": { "type": "string" } } },
                "content": content("CommandReceipt"),
            },
            "400": problem("The request is invalid."),
            "503": problem("The log did not accept the command or its audit record: nothing is changed. Retry-After has the \
                            time to wait."),
        },
    })
}

fn position_operation() -> Value {
    let device = json!({
        "name": position::DEVICE.name, "in": "query", "required": false, "description": position::DEVICE.about,
        "schema": { "type": "string", "pattern": "^[0-9A-Fa-f]{6}$" },
    });
    json!({
        "summary": position::SUMMARY,
        "parameters": [device],
        "requestBody": { "required": true, "content": content("PositionReport") },
        "responses": {
            "202": {
                "description": "The position is in the log.",
                "headers": { "x-observation-id": { "description": "Id of the record.", "schema": { "type": "string" } } },
            },
            "400": problem("The request is invalid."),
            "413": problem("The body is too large."),
            "415": problem("The body is neither JSON nor Protobuf."),
            "503": problem("The log is not available; Retry-After has the time to wait."),
        },
    })
}

/// The schema of a parameter's value.
fn schema_of(parameter: &Parameter) -> Value {
    let mut schema = json!({ "type": parameter.kind });
    let limits = match parameter.name {
        "address" => json!({ "pattern": "^[0-9A-Fa-f]{6}$" }),
        "id" => json!({ "pattern": "^[0-9]+-[0-9]+$" }),
        "lat" => json!({ "minimum": -90, "maximum": 90 }),
        "lon" => json!({ "minimum": -180, "maximum": 180 }),
        "radius" => json!({ "exclusiveMinimum": 0, "maximum": geo::Circle::MAX_RADIUS_KM }),
        "max_age_s" => json!({ "minimum": 0, "maximum": 10_000_000 }),
        "step" => json!({ "minimum": 1, "maximum": 3_600 }),
        "min_quality" => json!({ "minimum": 0, "maximum": 5 }),
        "q" => json!({ "minLength": 2 }),
        _ => json!({}),
    };
    if let (Value::Object(schema), Value::Object(limits)) = (&mut schema, limits) {
        schema.extend(limits);
    }
    schema
}

fn operation(endpoint: &Endpoint) -> Value {
    let parameter = |parameter: &Parameter, location: &str| {
        json!({
            "name": parameter.name, "in": location, "required": location == "path" || parameter.name == "q",
            "description": parameter.about, "schema": schema_of(parameter),
        })
    };
    let in_path = endpoint.path_parameters.iter().map(|one| parameter(one, "path"));
    let in_query = endpoint.parameters.iter().map(|one| parameter(one, "query"));
    let etag = json!({ "description": "Version of the response.", "schema": { "type": "string" } });
    let source = json!({
        "description": "`redis` until the air picture is complete; until then receivers and alerts are missing.",
        "schema": { "type": "string", "enum": ["redis"] },
    });
    json!({
        "summary": endpoint.summary,
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": {
            "200": {
                "description": "The response; as Protobuf it is the message of the same name in package updraft.v1.",
                "headers": { "etag": etag, "x-source": source },
                "content": contents(endpoint),
            },
            "304": { "description": "Nothing changed since the response with this ETag." },
            "400": problem("A parameter is unknown or invalid."),
            "404": problem("There is no such resource."),
            "503": problem("The server cannot answer now; Retry-After has the time to wait."),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_and_its_messages_are_described() {
        let document = document();
        let pilots = &document["paths"]["/api/v1/pilots"]["get"];
        assert_eq!(pilots["parameters"].as_array().map(Vec::len), Some(6));
        let aircraft = &document["components"]["schemas"]["AircraftState"];
        assert_eq!(aircraft["properties"]["device"]["pattern"], "^[0-9A-F]{6}$");
        assert_eq!(aircraft["properties"]["aircraft_kind"]["enum"][2], "paraglider");
        for rule in RULES.iter().filter(|rule| rule.path.starts_with("/api/v1/")) {
            let operation = &document["paths"][rule.path][rule.method.to_lowercase()];
            assert!(operation["responses"]["429"].is_object(), "{}", rule.path);
            // A refresh token is in the body.
            let in_header = !matches!(rule.needs, Needs::Nothing | Needs::RefreshToken);
            assert_eq!(operation["security"].is_array(), in_header, "{}", rule.path);
            assert_eq!(operation["responses"]["401"].is_object(), rule.needs != Needs::Nothing, "{}", rule.path);
        }
        let reset = &document["paths"][validation::RESET_PATH]["post"]["security"];
        assert_eq!(reset[0]["token"][0], "validation:reset");
        let text = document.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap_or_default();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
    }
}
