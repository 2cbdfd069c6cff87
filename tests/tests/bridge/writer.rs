//! A writer to Kafka that breaks: here because its topic goes away under it.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::{Program, wait_until};
use schemas::catalogue::{self, topic};
use streams::SeekTo;

use crate::desk::{Desk, SOON, complains};
use crate::ledger::Ledger;
use crate::publisher::Publisher;

const RATE_HZ: u32 = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_goes_away_breaks_the_writer_and_the_next_one_writes_the_rest_in_order() -> Result<()> {
    let desk = Desk::new("writer", "").await?;
    desk.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    // By default librdkafka hopes for half a minute that a topic that is not there comes.
    let bridge = desk.bridge().await?.env("UPDRAFT_KAFKA_CONFIG", "topic.metadata.propagation.max.ms=500");
    let bridge = Program::start(bridge).await?;
    let (host, port) = desk.mosquitto.host_port();
    let publisher = Publisher::start(format!("{host}:{port}"), "receiver", RATE_HZ);
    desk.raw(RATE_HZ as usize).await?;

    delete(&desk)?;
    complains(&bridge, "the writer broke").await?;
    let broken = publisher.count();
    let more = async || (publisher.count() >= broken + RATE_HZ as usize).then_some(());
    wait_until(SOON, "more frames meanwhile", more).await?;
    desk.create(&[topic::RAW]).await?;

    let raw = catalogue::find(topic::RAW).context("in the catalogue")?;
    let ledger =
        Ledger::open_amid(desk.bootstrap(), &desk.full_name(topic::RAW), raw.partitions, SeekTo::Beginning).await?;
    let end = publisher.count() + RATE_HZ as usize;
    let all = async || {
        ledger.look(|book| {
            (broken..end).all(|number| book.first_seen.get(number).is_some_and(Option::is_some)).then_some(())
        })
    };
    let all = wait_until(SOON, "every frame since the writer broke", all).await;
    all.with_context(|| format!("the bridge says\n{}", bridge.service().log_tail(20)))?;
    ledger.look(|book| {
        ensure!(book.wrong.is_empty(), "{} wrong, first: {}", book.wrong.len(), book.wrong[0]);
        Ok(())
    })?;
    assert!(bridge.metric("fanet_bridge_writers_broken_total", &[]).await? >= 1.0);
    assert!(bridge.metric("fanet_bridge_log_errors_total", &["reason=\"unknown_topic\""]).await? >= 1.0);
    bridge.until_ready().await
}

fn delete(desk: &Desk) -> Result<()> {
    const DELETE: &str = "import sys; from confluent_kafka.admin import AdminClient; \
        admin = AdminClient({'bootstrap.servers': sys.argv[1]}); admin.delete_topics([sys.argv[2]])[sys.argv[2]].result(20)";
    let arguments = ["-c", DELETE, desk.bootstrap(), &desk.full_name(topic::RAW)];
    let output = Command::new(harness::python()?).args(arguments).output().context("start Python")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
