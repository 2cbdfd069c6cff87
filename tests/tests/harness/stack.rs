//! Tests the harness with the real services.

use anyhow::{Result, ensure};
use harness::{Kafka, KafkaOptions, Registry, Stack, python, workspace_dir};
use tokio::process::Command;

#[tokio::test]
async fn every_service_starts() -> Result<()> {
    let stack = Stack::shared();
    assert!(stack.redis().await?.url().starts_with("redis://"));
    assert!(stack.mosquitto().await?.url().starts_with("mqtt://"));
    assert!(!stack.kafka().await?.bootstrap().is_empty());
    assert!(stack.clickhouse().await?.url().starts_with("http://"));
    assert!(stack.registry().await?.url().ends_with("/apis/ccompat/v7"));
    Ok(())
}

#[tokio::test]
async fn a_killed_kafka_restarts_on_its_port() -> Result<()> {
    let kafka = Kafka::start(KafkaOptions::default()).await?;
    kafka.node(0).kill().await?;
    assert!(!kafka.node(0).is_running());
    kafka.node(0).start().await?;
    kafka.node(0).restart().await?;
    kafka.node(0).freeze()?;
    assert!(kafka.node(0).is_running());
    kafka.node(0).thaw()?;
    assert_eq!(kafka.node(0).stop().await?, 143);
    Ok(())
}

#[tokio::test]
async fn three_nodes_continue_without_one() -> Result<()> {
    let kafka = Kafka::start(KafkaOptions { nodes: 3, ..KafkaOptions::default() }).await?;
    let registry = Stack::shared().registry().await?.url();
    let produce = async || -> Result<()> {
        let script = workspace_dir().join("tests/fixtures/produce.py");
        let arguments = [kafka.bootstrap(), registry, "without-one", "3"];
        let output = Command::new(python()?).arg(script).args(arguments).output().await?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    };
    produce().await?;
    kafka.node(0).kill().await?;
    produce().await?;
    kafka.node(0).start().await
}

#[tokio::test]
async fn a_killed_registry_keeps_its_schemas_and_ids() -> Result<()> {
    const SCRIPT: &str = "import json, sys, urllib.request as u\n\
        url, body = sys.argv[1] + sys.argv[2], sys.argv[3].encode() or None\n\
        kind = {'Content-Type': 'application/vnd.schemaregistry.v1+json'}\n\
        print(json.load(u.urlopen(u.Request(url, body, kind), timeout=10)))";
    let registry = Registry::start().await?;
    let ask = async |path: &str, body: &str| -> Result<String> {
        let output = Command::new(python()?).args(["-c", SCRIPT, registry.url(), path, body]).output().await?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    };
    let schema = r#"{"schemaType": "PROTOBUF", "schema": "syntax = \"proto3\"; message Made { int32 up = 1; }"}"#;
    assert_eq!(ask("/subjects/kept-value/versions", schema).await?, "{'id': 1}\n");
    registry.service().kill().await?;
    registry.service().start().await?;
    let kept = ask("/schemas/ids/1", "").await?;
    assert!(kept.contains("message Made"), "{kept}");
    Ok(())
}
