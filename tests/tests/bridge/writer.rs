//! A writer to Kafka that fails because its topic is deleted.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::{Program, wait_until};
use schemas::catalogue::{self, topic};
use streams::SeekTo;

use crate::fixture::{Fixture, TIMEOUT, wait_until_not_ready};
use crate::ledger::Ledger;
use crate::publisher::Publisher;

const RATE_HZ: u32 = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_topic_replaces_the_writer() -> Result<()> {
    let fixture = Fixture::new("writer", "").await?;
    fixture.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    // By default librdkafka waits 30 s for an unknown topic.
    let bridge = fixture.bridge().await?.env("UPDRAFT_KAFKA_CONFIG", "topic.metadata.propagation.max.ms=500");
    let bridge = Program::start(bridge).await?;
    let (host, port) = fixture.mosquitto.host_port();
    let publisher = Publisher::start(format!("{host}:{port}"), "receiver", RATE_HZ);
    fixture.raw(RATE_HZ as usize).await?;

    delete(&fixture)?;
    wait_until_not_ready(&bridge, "the sink to the log failed").await?;
    let broken = publisher.count();
    let more = async || (publisher.count() >= broken + RATE_HZ as usize).then_some(());
    wait_until(TIMEOUT, "more frames meanwhile", more).await?;
    fixture.create(&[topic::RAW]).await?;

    let raw = catalogue::find(topic::RAW).context("in the catalogue")?;
    let ledger =
        Ledger::open_from(fixture.bootstrap(), &fixture.full_name(topic::RAW), raw.partitions, SeekTo::Beginning)
            .await?;
    let end = publisher.count() + RATE_HZ as usize;
    let all = async || {
        ledger.with_entries(|entries| {
            (broken..end).all(|number| entries.first_seen.get(number).is_some_and(Option::is_some)).then_some(())
        })
    };
    let all = wait_until(TIMEOUT, "every frame since the writer failed", all).await;
    all.with_context(|| format!("log of the bridge:\n{}", bridge.service().log_tail(20)))?;
    ledger.with_entries(|entries| {
        ensure!(entries.wrong.is_empty(), "{} wrong, first: {}", entries.wrong.len(), entries.wrong[0]);
        Ok(())
    })?;
    assert!(bridge.metric("fanet_bridge_writers_broken_total", &[]).await? >= 1.0);
    assert!(bridge.metric("fanet_bridge_log_errors_total", &["reason=\"unknown_topic\""]).await? >= 1.0);
    bridge.until_ready().await
}

fn delete(fixture: &Fixture) -> Result<()> {
    const DELETE: &str = "import sys; from confluent_kafka.admin import AdminClient; \
        admin = AdminClient({'bootstrap.servers': sys.argv[1]}); admin.delete_topics([sys.argv[2]])[sys.argv[2]].result(20)";
    let arguments = ["-c", DELETE, fixture.bootstrap(), &fixture.full_name(topic::RAW)];
    let output = Command::new(harness::python()?).args(arguments).output().context("start Python")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
