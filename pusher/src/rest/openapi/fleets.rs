//! Changes of fleets, companies and settings.

use access::fleets::{ID_CHARS, MAX_VIEWS, NAME_CHARS};
use serde_json::{Value, json};

use super::problem::problem;
use crate::rest::{companies, fleets, me};

/// The operations by path, beside those that read.
pub(super) fn operations() -> [(&'static str, Value); 2] {
    [
        (
            fleets::PATH,
            json!({
                "put": change(fleets::PUT_SUMMARY, "fleet", &fleet(), "FleetList"),
                "delete": removal(fleets::DELETE_SUMMARY, "fleet"),
            }),
        ),
        (
            companies::PATH,
            json!({
                "put": change(companies::PUT_SUMMARY, "company", &company(), "CompanyList"),
                "delete": removal(companies::DELETE_SUMMARY, "company"),
            }),
        ),
    ]
}

/// `PUT /api/v1/me`.
pub(super) fn settings_operation() -> Value {
    json!({
        "summary": me::PUT_SUMMARY,
        "requestBody": body(&json!({
            "type": "object",
            "properties": {
                "views": { "type": "array", "maxItems": MAX_VIEWS, "items": { "$ref": "#/components/schemas/SavedView" } },
                "display": pairs(),
            },
            "additionalProperties": false,
        })),
        "responses": {
            "204": { "description": "The settings are in the log." },
            "400": problem("The body is not of this form; the detail names the field."),
            "413": problem("The body is too large."),
            "503": problem("The log is not available; Retry-After has the time to wait."),
        },
    })
}

fn pairs() -> Value {
    json!({ "type": "object", "additionalProperties": { "type": "string" } })
}

fn fleet() -> Value {
    json!({
        "type": "object",
        "properties": {
            "company_id": id_schema(), "name": name(), "devices": devices(),
            "user_ids": { "type": "array", "items": { "type": "string" } },
        },
        "required": ["company_id", "name"],
        "additionalProperties": false,
    })
}

fn company() -> Value {
    let limit = json!({ "type": "integer", "minimum": 0 });
    let limits = json!({
        "type": "object",
        "properties": {
            "max_devices": limit, "max_users": limit, "max_fleets": limit, "max_connections": limit,
            "max_subscriptions": limit,
        },
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "properties": {
            "name": name(), "suspended": { "type": "boolean" }, "limits": limits, "devices": devices(),
        },
        "required": ["name"],
        "additionalProperties": false,
    })
}

fn devices() -> Value {
    json!({ "type": "array", "items": { "type": "string", "pattern": "^[0-9A-Fa-f]{6}$" } })
}

fn name() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": NAME_CHARS })
}

fn id_schema() -> Value {
    json!({ "type": "string", "pattern": format!("^[a-z0-9-]{{1,{ID_CHARS}}}$") })
}

fn id(what: &str) -> Value {
    json!({
        "name": "id", "in": "path", "required": true, "description": format!("The id of the {what}."),
        "schema": id_schema(),
    })
}

fn body(schema: &Value) -> Value {
    json!({ "required": true, "content": { "application/json": { "schema": schema } } })
}

fn change(summary: &str, what: &str, schema: &Value, answer: &str) -> Value {
    let answer = json!({ "$ref": format!("#/components/schemas/{answer}") });
    json!({
        "summary": summary,
        "parameters": [id(what)],
        "requestBody": body(schema),
        "responses": {
            "200": {
                "description": "It is in the log, after its audit record; the list has it as it is now.",
                "content": { "application/json": { "schema": answer }, "application/x-protobuf": {} },
            },
            "400": problem("The request is invalid; the detail names the field."),
            "404": problem("There is no such company."),
            "409": problem("A limit of the company, or of all, is reached."),
            "413": problem("The body is too large."),
            "503": problem("The log is not available; Retry-After has the time to wait."),
        },
    })
}

fn removal(summary: &str, what: &str) -> Value {
    json!({
        "summary": summary,
        "parameters": [id(what)],
        "responses": {
            "204": { "description": "It is removed." },
            "400": problem("The request is invalid."),
            "404": problem("There is none of that id."),
            "409": problem("The company has fleets."),
            "503": problem("The log is not available; Retry-After has the time to wait."),
        },
    })
}
