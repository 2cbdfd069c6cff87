//! The erasure of a device.

use harness::{Stack, wait_until};
use schemas::v1::observation::Body;
use schemas::v1::{Erased, Observation};

use crate::fixture::{Fixture, PARTITIONS, TIMEOUT, id, observation};

const DEVICES: u64 = PARTITIONS;
const COUNT: u64 = 10 * DEVICES;
/// The device in raw partition 7.
const ERASED: u64 = 7;

async fn produce(fixture: &Fixture) {
    let writer = fixture.writer().await.expect("a writer");
    for number in 0..COUNT {
        writer.observation(&observation(number, COUNT, DEVICES)).await.expect("written");
    }
    writer.done().await.expect("all written");
}

async fn request_erasure(fixture: &Fixture) {
    let number = COUNT + ERASED;
    let like = observation(number, COUNT, DEVICES);
    let body = Some(Body::Erased(Erased { command_id: "by-its-owner".into() }));
    let request = Observation { observation_id: id(number), body, ..like };
    let writer = fixture.writer().await.expect("a writer");
    writer.private_observation(&request).await.expect("written");
    writer.done().await.expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_device_stays_erased_after_a_replay() {
    let stack = Stack::shared();
    let (kafka, clickhouse) = (stack.kafka().await.expect("Kafka"), stack.clickhouse().await.expect("ClickHouse"));
    let fixture = Fixture::start("erased", kafka.bootstrap(), clickhouse.url()).await.expect("the fixture");
    let historian = fixture.historian(&[]).expect("spawned");
    produce(&fixture).await;
    fixture.wait_for_exact_count("positions", COUNT).await.expect("all arrive");

    request_erasure(&fixture).await;
    let others = COUNT - COUNT / DEVICES;
    fixture.wait_for_exact_count("positions", others).await.expect("one device is erased");
    let of_it = format!("SELECT count() FROM positions WHERE device = {}", 0x11_0000 + ERASED);
    assert_eq!(fixture.number(&of_it).await.expect("answers"), 0);

    // Replay the same hour in different blocks: the erased positions are written and erased again.
    historian.service().stop().await.expect("stopped");
    let replaying = fixture.historian(&[("UPDRAFT_HISTORIAN_BLOCK_RECORDS", "7")]).expect("spawned");
    produce(&fixture).await;
    let written = async || {
        let rows = replaying.metric("fanet_historian_rows_total", &["table=\"positions\""]).await.ok()?;
        (rows >= COUNT as f64).then_some(())
    };
    wait_until(TIMEOUT, "the hour to be written again", written).await.expect("written");
    fixture.wait_for_exact_count("positions", others).await.expect("stays erased");
}
