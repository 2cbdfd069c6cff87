//! The import and the removal of a set of zones.

use serde_json::{Value, json};

use super::problem::problem;
use crate::rest::zones;

pub(super) fn import_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "set": {"type": "string"}, "version": {"type": "string"}, "zones": {"type": "integer"},
            "vertices": {"type": "integer"}, "not_judged": {"type": "integer"},
            "not_judged_names": {"type": "array", "items": {"type": "string"}}, "ignored": {"type": "integer"},
        },
        "required": ["set", "version", "zones", "vertices", "not_judged", "not_judged_names", "ignored"],
    })
}

fn set_parameter() -> Value {
    json!({
        "name": "set", "in": "path", "required": true, "description": "The name of the set.",
        "schema": { "type": "string", "pattern": "^[a-z0-9-]{1,48}$" },
    })
}

pub(super) fn import_operation() -> Value {
    let schema = json!({ "$ref": "#/components/schemas/ZoneImport" });
    json!({
        "summary": zones::PUT_SUMMARY,
        "parameters": [set_parameter()],
        "requestBody": { "required": true, "content": {
            (zones::OPENAIR_TYPE): { "schema": { "type": "string" } }, (zones::MEDIA_TYPE): {}, "application/json": {},
        } },
        "responses": {
            "200": { "description": "The set is in the log.", "content": { "application/json": { "schema": schema } } },
            "400": problem("The file cannot be used; the detail names the line or the feature."),
            "413": problem("The body is too large."),
            "415": problem("The body is neither OpenAir nor GeoJSON."),
            "503": problem("The log is not available; Retry-After has the time to wait."),
        },
    })
}

pub(super) fn removal_operation() -> Value {
    json!({
        "summary": zones::DELETE_SUMMARY,
        "parameters": [set_parameter()],
        "responses": {
            "204": { "description": "The set is removed." },
            "400": problem("The request is invalid."),
            "404": problem("There is no such set."),
            "503": problem("The log is not available; Retry-After has the time to wait."),
        },
    })
}
