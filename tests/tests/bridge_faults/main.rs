//! The bridge with failing services: each acknowledged frame is in Kafka, in order, and operation is normal again
//! within 60 s. A run prints a table.
//!
//! `UPDRAFT_WRITE_DOCS=1 cargo test -p updraft-tests --test bridge_faults` writes it into `docs/measurements.md`.

mod faults;
mod rig;
mod table;

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result};
use harness::traffic::{frames, ledger, publisher};
use harness::{clock, wait_until};

use crate::publisher::UNACKNOWLEDGED;
use crate::rig::{Rig, WINDOW};
use crate::table::Row;

const RATE_HZ: u32 = 2000;
const TIMEOUT: Duration = Duration::from_secs(90);
const MEMORY_SAMPLE_INTERVAL: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fault_loses_an_acknowledged_frame() -> Result<()> {
    let mut rows = Vec::new();
    one_node(&mut rows).await?;
    three_nodes(&mut rows).await?;
    table::publish(&rows, RATE_HZ, WINDOW)?;
    rows.iter().try_for_each(Row::check)
}

async fn one_node(rows: &mut Vec<Row>) -> Result<()> {
    let rig = Rig::start("faults", 1, RATE_HZ).await?;
    // The bridge repeats its window when it ends, loses its connection or replaces its writer; the publisher repeats
    // unacknowledged frames when it loses its connection.
    let (ours, both) = (WINDOW, WINDOW + UNACKNOWLEDGED);
    rows.push(survive(&rig, "poison", "poison in the stream", 0, faults::poison(&rig)).await?);
    rows.push(survive(&rig, "kill_bridge", "bridge killed, 20 times", 20 * ours, faults::kill_bridge(&rig)).await?);
    rows.push(survive(&rig, "stop_kafka", "Kafka stopped", ours, faults::stop_kafka(&rig)).await?);
    rows.push(survive(&rig, "freeze_kafka", "Kafka frozen", ours, faults::freeze_kafka(&rig)).await?);
    rows.push(survive(&rig, "fill_window", "window filled, QoS 0 beyond it", ours, faults::fill_window(&rig)).await?);
    rows.push(survive(&rig, "slow_kafka", "Kafka slow, 600 ms there and back", 0, faults::slow_kafka(&rig)).await?);
    rows.push(survive(&rig, "reset_kafka", "Kafka's connections reset, 10 times", 0, faults::reset_kafka(&rig)).await?);
    rows.push(survive(&rig, "cut_kafka", "network to Kafka cut both ways", 0, faults::cut_kafka(&rig)).await?);
    let fault = faults::restart_mosquitto(&rig);
    rows.push(survive(&rig, "restart_mosquitto", "Mosquitto restarted (SIGTERM)", both, fault).await?);
    rows.push(survive(&rig, "freeze_mosquitto", "Mosquitto frozen", ours, faults::freeze_mosquitto(&rig)).await?);
    rows.push(survive(&rig, "cut_mqtt", "network to Mosquitto down", ours, faults::cut_mqtt(&rig)).await?);
    rows.push(
        survive(&rig, "silent_mqtt", "network to Mosquitto cut both ways", ours, faults::silent_mqtt(&rig)).await?,
    );
    Ok(())
}

async fn three_nodes(rows: &mut Vec<Row>) -> Result<()> {
    let rig = Rig::start("rolling", 3, RATE_HZ).await?;
    rows.push(
        survive(&rig, "roll_kafka", "three Kafka nodes restarted one by one", 0, faults::roll_kafka(&rig)).await?,
    );
    Ok(())
}

/// Runs a fault, and returns the results for the frames published from its beginning to the recovery.
async fn survive(
    rig: &Rig,
    name: &'static str,
    what: &'static str,
    max_duplicates: usize,
    fault: impl Future<Output = Result<Duration>>,
) -> Result<Row> {
    let first = rig.publisher.count();
    let (duplicates, wrong) = rig.ledger.with_entries(|entries| (entries.duplicates, entries.wrong.len()));
    let mut rss_mb = 0.0_f64;
    let mut samples = tokio::time::interval(MEMORY_SAMPLE_INTERVAL);
    let mut fault = pin!(fault);
    let recovery = loop {
        tokio::select! {
            recovery = &mut fault => break recovery.with_context(|| {
                format!("{name}; log of the bridge:\n{}", rig.bridge.service().log_tail(30))
            })?,
            _ = samples.tick() => {
                rss_mb = rss_mb.max(rig.bridge.resident_bytes().unwrap_or_default() as f64 / f64::from(1 << 20));
            }
        }
    };
    let end = rig.publisher.count();
    let lost = count_lost(rig, first, end).await;
    let row = Row {
        name,
        what,
        acknowledged: end - first,
        lost,
        duplicates: rig.ledger.with_entries(|entries| entries.duplicates) - duplicates,
        max_duplicates,
        wrong: rig.ledger.with_entries(|entries| entries.wrong[wrong..].to_vec()),
        recovery,
        rss_mb,
    };
    row.print_figure()?;
    Ok(row)
}

/// Waits until every frame of the range is acknowledged and in Kafka; returns the number of missing acknowledged
/// frames.
async fn count_lost(rig: &Rig, first: usize, end: usize) -> usize {
    let open = |of_acknowledged: bool| {
        rig.publisher.with_published(|published| {
            rig.ledger.with_entries(|entries| {
                let missing = |number: &usize| entries.first_seen.get(*number).copied().flatten().is_none();
                let counts = |number: &usize| !of_acknowledged || published.acknowledged[*number];
                let unacknowledged = |number: &usize| !of_acknowledged && !published.acknowledged[*number];
                (first..end).filter(|number| counts(number) && (missing(number) || unacknowledged(number))).count()
            })
        })
    };
    let all_settled = async || (open(false) == 0).then_some(());
    match wait_until(TIMEOUT, "every frame to be acknowledged and in Kafka", all_settled).await {
        Ok(()) => 0,
        Err(_) => open(true).max(1),
    }
}
