//! Schemas in a registry with Confluent's API (Apicurio).

use harness::{Registry, Stack, unique_prefix};
use prost::Message as _;
use schemas::catalogue::{Topic, find, topic, topics};
use schemas::v1::{AircraftState, GroundState, ProcessorState, RawRecord};
use serde_json::{Value, json};
use streams::framing;
use streams::registry::Schemas;

async fn url() -> &'static str {
    Stack::shared().registry().await.expect("the registry").url()
}

fn topic_named(name: &str) -> Topic {
    find(name).expect("in the catalogue")
}

/// Requests a path from the registry without our client.
async fn get(url: &str, path: &str) -> Value {
    let answer = reqwest::get(format!("{url}{path}")).await.expect("an answer");
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.expect("JSON")
}

async fn send(request: reqwest::RequestBuilder, body: &Value) {
    let answer = request.json(body).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}: {}", answer.status(), answer.text().await.unwrap_or_default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_topic_is_registered_under_its_subject() {
    let (url, prefix) = (url().await, unique_prefix("catalogue"));
    let schemas = Schemas::registry(url).expect("a URL");
    let with_schema: Vec<_> = topics().into_iter().filter(|topic| topic.message.is_some()).collect();
    for topic in &with_schema {
        schemas.prepare(&prefix, topic).await.unwrap_or_else(|error| panic!("{}: {error:?}", topic.name));
    }
    let subjects = get(url, "/subjects").await;
    for topic in &with_schema {
        let subject = format!("{prefix}{}-value", topic.name);
        assert!(subjects.as_array().expect("a list").contains(&json!(subject)), "{subject} is missing");
        let latest = get(url, &format!("/subjects/{subject}/versions/latest")).await;
        assert_eq!(latest["schemaType"], "PROTOBUF", "{subject}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_id_of_a_value_names_the_registered_schema() {
    let (url, prefix) = (url().await, unique_prefix("ids"));
    let codec =
        Schemas::registry(url).expect("a URL").prepare(&prefix, &topic_named(topic::GROUND)).await.expect("registered");
    let state = GroundState { device: 0x11_0B90, version: 3, ..Default::default() };
    let value = codec.encode(&state);
    let framed = framing::decode(&value).expect("framed");
    assert_eq!(framed.indexes, [1], "GroundState is the second message of its file");
    assert_eq!(GroundState::decode(framed.payload).expect("decodes"), state);
    assert_eq!(codec.decode::<GroundState>(&value).expect("decodes"), state);

    let schema = get(url, &format!("/schemas/ids/{}", framed.schema_id)).await;
    let text = schema["schema"].as_str().expect("text");
    assert!(text.contains("message GroundState"), "{text}");
    let references = schema["references"].as_array().expect("a list");
    assert_eq!(references[0]["name"], "updraft/v1/common.proto");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registering_again_changes_nothing() {
    let (url, prefix) = (url().await, unique_prefix("again"));
    let schemas = Schemas::registry(url).expect("a URL");
    let first = schemas.prepare(&prefix, &topic_named(topic::AIRCRAFT)).await.expect("registered");
    let again = Schemas::registry(url)
        .expect("a URL")
        .prepare(&prefix, &topic_named(topic::AIRCRAFT))
        .await
        .expect("registered");
    let value = AircraftState::default();
    assert_eq!(first.encode(&value), again.encode(&value));
    let subject = format!("{prefix}{}-value", topic::AIRCRAFT);
    assert_eq!(get(url, &format!("/subjects/{subject}/versions")).await, json!([1]));
}

/// The file of ProcessorState has transitive imports.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transitive_imports_are_registered() {
    let (url, prefix) = (url().await, unique_prefix("imports"));
    let schemas = Schemas::registry(url).expect("a URL");
    let codec = schemas.prepare(&prefix, &topic_named(topic::PROCESSOR_STATE)).await.expect("registered");
    let framed = framing::decode(&codec.encode(&ProcessorState::default())).expect("framed");
    let schema = get(url, &format!("/schemas/ids/{}", framed.schema_id)).await;
    let names: Vec<_> = schema["references"].as_array().expect("a list").iter().map(|known| &known["name"]).collect();
    for import in ["updraft/v1/common.proto", "updraft/v1/observation.proto", "updraft/v1/state.proto"] {
        assert!(names.contains(&&json!(import)), "{import} is not among {names:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incompatible_schema_is_fatal() {
    let (url, prefix) = (url().await, unique_prefix("breaks"));
    let subject = format!("{prefix}{}-value", topic::RAW);
    let other = r#"syntax = "proto3"; package updraft.v1; message RawRecord { string ingested_at_us = 1; }"#;
    let client = reqwest::Client::new();
    let versions = client.post(format!("{url}/subjects/{subject}/versions"));
    send(versions, &json!({ "schemaType": "PROTOBUF", "schema": other })).await;
    send(client.put(format!("{url}/config/{subject}")), &json!({ "compatibility": "FULL" })).await;

    let schemas = Schemas::registry(url).expect("a URL");
    let error = schemas.prepare(&prefix, &topic_named(topic::RAW)).await.expect_err("incompatible");
    assert_eq!((error.reason(), error.is_transient()), ("incompatible_schema", false), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_registry_is_needed_only_once() {
    let registry = Registry::start().await.expect("a separate registry");
    let schemas = Schemas::registry(registry.url()).expect("a URL");
    registry.service().stop().await.expect("stopped");
    let error = schemas.prepare("", &topic_named(topic::RAW)).await.expect_err("stopped");
    assert_eq!((error.reason(), error.is_transient()), ("unavailable", true), "{error:?}");

    registry.service().start().await.expect("started");
    let codec = schemas.prepare("", &topic_named(topic::RAW)).await.expect("the same client works after the restart");
    registry.service().stop().await.expect("stopped");
    let record = RawRecord { receiver_id: Some("r".into()), ..Default::default() };
    assert_eq!(codec.decode::<RawRecord>(&codec.encode(&record)).expect("decodes"), record);
}
