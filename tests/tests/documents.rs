//! Our documents: all names in them exist, and their commands and examples work as written. See
//! `tests/docs/documents.py` for the marks of code blocks.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::supervise::{Launch, Supervised, fresh_dir};
use harness::{ClickHouse, Kafka, KafkaOptions, Mosquitto, Redis, Registry, beside_the_test, python, workspace_dir};

/// The directory of the programs that were built with the test.
fn programs() -> Result<String> {
    let bridge = beside_the_test("bridge")?;
    ensure!(bridge.exists(), "{} is not built: run cargo build --workspace --bins --examples", bridge.display());
    Ok(bridge.parent().context("a file has a directory")?.display().to_string())
}

/// Runs a script of `tests/docs` to its end; its child processes end with it.
async fn check(script: &str, env: Vec<(String, String)>, within: Duration) -> Result<()> {
    let dir = fresh_dir("documents")?;
    let log = dir.join("documents.log");
    let script = workspace_dir().join("tests/docs").join(script);
    let command = vec![python()?.into_os_string(), script.into(), programs()?.into()];
    let mut env = env;
    env.push(("TMPDIR".to_owned(), dir.display().to_string()));
    let mut child = Supervised::start(&Launch { command, env, dir: Some(dir), log: log.clone() })?;
    let code = harness::wait_until(within, "the script to end", || std::future::ready(child.exit_code())).await;
    let output = std::fs::read_to_string(&log)?;
    ensure!(code.with_context(|| output.clone())? == 0, "{output}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn names_in_documents_exist() -> Result<()> {
    check("check.py", Vec::new(), Duration::from_secs(120)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_in_documents_work() -> Result<()> {
    // Separate services, since the documents use topics and the database without a prefix.
    let (kafka, registry, redis, mosquitto, clickhouse) = tokio::try_join!(
        Kafka::start(KafkaOptions::default()),
        Registry::start(),
        Redis::start(),
        Mosquitto::start(),
        ClickHouse::start()
    )?;
    let services = [
        ("KAFKA_BOOTSTRAP", kafka.bootstrap()),
        ("SCHEMA_REGISTRY_URL", registry.url()),
        ("REDIS_URL", redis.url()),
        ("MQTT_URL", mosquitto.url()),
        ("CLICKHOUSE_URL", clickhouse.url()),
    ];
    // As `just up` exports them: for tools and for our programs.
    let both = |(name, address): (&str, &str)| {
        [name.to_owned(), format!("UPDRAFT_{name}")].map(|name| (name, address.to_owned()))
    };
    let env = services.into_iter().flat_map(both).collect();
    check("run.py", env, Duration::from_secs(600)).await
}
