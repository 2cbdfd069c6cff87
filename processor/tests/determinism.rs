//! An hour of traffic over all partitions, processed twice: once undisturbed with large batches, once with small ones and fifty
//! kills and rebalances. The outputs are the same, byte by byte.

#[path = "support/outcome.rs"]
mod outcome;
#[path = "support/traffic.rs"]
#[allow(dead_code, reason = "shared with the bench")]
mod traffic;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use air::group::GroupCore as _;
use air::thermals::{Aggregator, Changes};
use outcome::{Environment, Output, PARTITIONS};
use processor::{CoreOptions, GroupOptions, RedisOptions};
use prost::Message as _;
use runtime::{Clock, Context};
use schemas::v1::{ThermalReport, ThermalState, WindState, thermal_report};
use streams::registry::{Schemas, TopicCodec};
use streams::{Cluster, EmbeddedLog, EmbeddedSettings};
use tokio::runtime::Runtime;
use traffic::{Dice, Plan, START_US};

const HOUR: Plan = Plan { devices: 40, seconds: 3_600, receivers: 2, seed: 21, start_us: START_US };
const DISTURBANCES: u64 = 50;

/// The hashes of the outputs: two runs with equal hashes have the same bytes.
#[derive(Debug, PartialEq, Eq)]
struct Result {
    observations: u64,
    states: u64,
    receptions: u64,
    thermal_reports: u64,
    zone_events: u64,
    thermals: u64,
    winds: u64,
}

fn hash(of: impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

fn log() -> EmbeddedLog {
    // Nothing is compacted away: every record that was ever written is compared.
    EmbeddedLog::new(EmbeddedSettings { max_bytes_per_partition: 1 << 30, ..EmbeddedSettings::new(1_000) })
}

fn environment(log: &EmbeddedLog) -> Environment {
    Environment { log: Arc::new(log.clone()), prefix: String::new(), schemas: Schemas::local() }
}

/// One process with the stream core and the thermals' group.
fn start(log: &EmbeddedLog, max_batch_records: usize) -> (Runtime, Context) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let context = Context::new(Clock::system());
    let cluster = Cluster::in_process(Arc::new(log.clone()));
    let group = GroupOptions { checkpoint_interval: Duration::from_millis(40), max_batch_records };
    let redis = RedisOptions::none();
    runtime.spawn(processor::serve(
        CoreOptions::default(),
        group.clone(),
        redis.clone(),
        cluster.clone(),
        context.clone(),
    ));
    runtime.spawn(processor::serve_thermals(group, redis, cluster, context.clone()));
    (runtime, context)
}

async fn codec(topic: &str) -> TopicCodec {
    let topic = schemas::catalogue::find(topic).expect("in the catalogue");
    Schemas::local().prepare("", &topic).await.expect("a codec")
}

/// The thermals and winds that the thermals' group makes of the expected reports, without versions: these are offsets and
/// depend on how the partitions' reports interleave.
async fn picture(expected: &BTreeSet<Output>) -> (BTreeSet<Vec<u8>>, BTreeSet<Vec<u8>>) {
    let codec = codec("fanet.thermal-report.v1").await;
    let outputs = expected.iter().filter(|output| output.0 == "fanet.thermal-report.v1");
    let values = outputs.filter_map(|output| output.3.clone());
    let reports: Vec<ThermalReport> = values.map(|value| codec.decode(&value.into()).expect("a report")).collect();
    let is_clock = |report: &&ThermalReport| matches!(report.content, Some(thermal_report::Content::Clock(_)));
    let (clocks, climbs): (Vec<_>, Vec<_>) = reports.iter().partition(is_clock);
    assert!(climbs.len() > 500 && clocks.len() > 10_000, "{} climbs, {} clocks", climbs.len(), clocks.len());
    let (mut aggregator, mut changes) = (Aggregator::new(PARTITIONS), Changes::default());
    for (offset, report) in (0..).zip(climbs.into_iter().chain(clocks)) {
        aggregator.apply(offset, report, &mut changes);
    }
    let thermals = aggregator.states().filter_map(|change| change.state);
    let thermals = thermals.map(|state| ThermalState { version: 0, ..state }.encode_to_vec()).collect();
    let winds = aggregator.winds().map(|state| WindState { version: 0, ..state.clone() }.encode_to_vec()).collect();
    (thermals, winds)
}

/// The newest states of a topic, without versions.
async fn newest<M: prost::Message + Default>(
    environment: &Environment,
    topic: &str,
    unversioned: fn(M) -> M,
) -> BTreeSet<Vec<u8>> {
    let codec = codec(topic).await;
    let mut newest = BTreeMap::new();
    for record in environment.read_all(topic).await {
        newest.insert(record.key, record.value);
    }
    let states = newest.into_values().flatten();
    states.map(|value| unversioned(codec.decode::<M>(&value).expect("a state")).encode_to_vec()).collect()
}

/// Waits until all outputs are written, asserts that there are no others, and returns their hashes.
async fn result(environment: &Environment, expected: &BTreeSet<Output>) -> Result {
    environment.until_written(expected).await;
    let (thermals, winds) = picture(expected).await;
    assert!(thermals.len() > 20 && winds.len() > 3, "{} thermals, {} winds", thermals.len(), winds.len());
    let written = async || {
        let thermals = newest(environment, "fanet.state.thermal.v1", |state| ThermalState { version: 0, ..state });
        let winds = newest(environment, "fanet.state.wind.v1", |state| WindState { version: 0, ..state });
        (thermals.await, winds.await)
    };
    let is_complete = async || (written().await == (thermals.clone(), winds.clone())).then_some(());
    harness::wait_until(Duration::from_secs(30), "the thermals", is_complete).await.expect("the same thermals");
    let written_to = async |topics: &[&str]| {
        let mut records = BTreeSet::new();
        for topic in topics {
            records.extend(environment.outputs_in(topic).await);
        }
        assert!(records.len() > 50, "{} records in {topics:?}", records.len());
        hash(records)
    };
    Result {
        observations: written_to(&["fanet.observation.v1", "fanet.private.observation.v1"]).await,
        states: written_to(&[
            "fanet.state.aircraft.v1",
            "fanet.state.ground.v1",
            "fanet.state.station.v1",
            "fanet.alert.v1",
            "fanet.private.state.v1",
            "fanet.private.privacy.v1",
        ])
        .await,
        receptions: written_to(&["fanet.reception.v1"]).await,
        thermal_reports: written_to(&["fanet.thermal-report.v1"]).await,
        zone_events: written_to(&["fanet.zone-event.v1"]).await,
        thermals: hash(written().await.0),
        winds: hash(written().await.1),
    }
}

/// Starts and ends processes: most are killed, some shut down; at times two or three share the partitions.
fn disturb(test: &Runtime, environment: &Environment, log: &EmbeddedLog) {
    let mut dice = Dice::new(5);
    let mut processes = vec![start(log, 1 + dice.below(60) as usize)];
    let mut observed = test.block_on(environment.observed());
    for _ in 0..DISTURBANCES {
        let more = *observed.borrow() + dice.below(900) as usize;
        // Towards the end there may be no more observations.
        let _ = test.block_on(async {
            tokio::time::timeout(Duration::from_millis(200), observed.wait_for(|observed| *observed >= more)).await
        });
        if dice.below(3) == 0 && processes.len() < 3 {
            processes.push(start(log, 1 + dice.below(60) as usize));
            continue;
        }
        let (process, context) = processes.remove(0);
        if dice.below(4) == 0 {
            context.shutdown.request();
            process.shutdown_timeout(Duration::from_secs(2));
        } else {
            process.shutdown_background();
        }
        if processes.is_empty() {
            processes.push(start(log, 1 + dice.below(60) as usize));
        }
    }
    for (process, _) in processes {
        process.shutdown_background();
    }
}

#[test]
fn kills_and_rebalances_change_no_output_of_an_hour() {
    let test = Runtime::new().expect("a runtime");
    let (calm, disturbed) = (log(), log());
    for log in [&calm, &disturbed] {
        test.block_on(environment(log).fill(HOUR));
    }
    let expected = test.block_on(environment(&calm).expected());

    let (process, _) = start(&calm, 5_000);
    let undisturbed = test.block_on(result(&environment(&calm), &expected));
    process.shutdown_background();

    let environment = environment(&disturbed);
    disturb(&test, &environment, &disturbed);
    let (process, _) = start(&disturbed, 700);
    let after_kills = test.block_on(result(&environment, &expected));
    process.shutdown_background();
    assert_eq!(undisturbed, after_kills);
    // The kills had an effect: some observations were published again.
    let published = test.block_on(environment.read_all("fanet.observation.v1")).len();
    let distinct = expected.iter().filter(|output| output.0 == "fanet.observation.v1").count();
    assert!(published > distinct, "{published} of {distinct}");
}
