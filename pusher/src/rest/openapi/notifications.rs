//! Webhooks and browsers that get notifications.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::problem::problem;
use crate::rest::{push, webhooks};

pub(super) fn add(paths: &mut Map<String, Value>, schemas: &mut BTreeMap<String, Value>) {
    for (name, schema) in [
        ("NewWebhook", webhooks::new_schema()),
        ("Webhook", webhooks::schema()),
        ("WebhookList", webhooks::list_schema()),
        ("WebhookTest", webhooks::test_schema()),
        ("PushKey", push::key_schema()),
        ("NewPushSubscription", push::new_schema()),
        ("PushSubscription", push::schema()),
        ("PushSubscriptionList", push::list_schema()),
    ] {
        schemas.insert(name.to_owned(), schema);
    }
    let webhook = id("The `webhook_id`.", 16);
    let list = read(webhooks::LIST_SUMMARY, "WebhookList");
    let creation = creation(webhooks::CREATE_SUMMARY, "NewWebhook", "Webhook");
    paths.insert(webhooks::PATH.to_owned(), json!({ "get": list, "post": creation }));
    paths.insert(webhooks::ONE_PATH.to_owned(), json!({ "delete": removal(webhooks::REMOVE_SUMMARY, &webhook) }));
    paths.insert(webhooks::TEST_PATH.to_owned(), json!({ "post": test(&webhook) }));
    let browser = id("The `subscription_id`.", 32);
    let list = read(push::LIST_SUMMARY, "PushSubscriptionList");
    let creation = self::creation(push::CREATE_SUMMARY, "NewPushSubscription", "PushSubscription");
    paths.insert(push::KEY_PATH.to_owned(), json!({ "get": read(push::KEY_SUMMARY, "PushKey") }));
    paths.insert(push::PATH.to_owned(), json!({ "get": list, "post": creation }));
    paths.insert(push::ONE_PATH.to_owned(), json!({ "delete": removal(push::REMOVE_SUMMARY, &browser) }));
}

fn content(schema: &str) -> Value {
    json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } })
}

fn id(about: &str, digits: u32) -> Value {
    json!({
        "name": "id", "in": "path", "required": true, "description": about,
        "schema": { "type": "string", "pattern": format!("^[0-9a-f]{{{digits}}}$") },
    })
}

fn read(summary: &str, schema: &str) -> Value {
    json!({
        "summary": summary,
        "responses": {
            "200": { "description": "The answer.", "content": content(schema) },
            "400": problem("It has no parameters."),
            "409": problem("This server sends no such notifications."),
        },
    })
}

fn creation(summary: &str, new: &str, created: &str) -> Value {
    json!({
        "summary": summary,
        "requestBody": { "required": true, "content": content(new) },
        "responses": {
            "201": { "description": "It is in the log, after its audit record.", "content": content(created) },
            "400": problem("The request is invalid."),
            "409": problem("The caller has too many."),
            "413": problem("The body is too large."),
            "503": problem("The log did not accept it or its audit record. Retry-After has the time to wait."),
        },
    })
}

fn removal(summary: &str, id: &Value) -> Value {
    json!({
        "summary": summary,
        "parameters": [id],
        "responses": {
            "204": { "description": "It is removed." },
            "400": problem("The request is invalid."),
            "404": problem("The caller has none of this id."),
            "409": problem("This server sends no such notifications."),
            "503": problem("The log did not accept it or its audit record. Retry-After has the time to wait."),
        },
    })
}

fn test(id: &Value) -> Value {
    json!({
        "summary": webhooks::TEST_SUMMARY,
        "parameters": [id],
        "responses": {
            "200": { "description": "What it has answered.", "content": content("WebhookTest") },
            "400": problem("The request is invalid."),
            "404": problem("The caller has none of this id."),
            "409": problem("This server sends no such notifications."),
        },
    })
}
