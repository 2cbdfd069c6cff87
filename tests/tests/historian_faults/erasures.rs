//! A device that is to be forgotten.

use harness::{Stack, wait_until};
use schemas::v1::observation::Body;
use schemas::v1::{Erased, Observation};

use crate::kit::{PARTITIONS, PATIENCE, Scene, id, observation};

const DEVICES: u64 = PARTITIONS;
const COUNT: u64 = 10 * DEVICES;
/// The device in raw partition 7.
const FORGOTTEN: u64 = 7;

async fn produce(scene: &Scene) {
    let writer = scene.writer().await.expect("a writer");
    for number in 0..COUNT {
        writer.observation(&observation(number, COUNT, DEVICES)).await.expect("written");
    }
    writer.done().await.expect("all written");
}

async fn order_to_forget(scene: &Scene) {
    let number = COUNT + FORGOTTEN;
    let like = observation(number, COUNT, DEVICES);
    let body = Some(Body::Erased(Erased { command_id: "by-its-owner".into() }));
    let order = Observation { observation_id: id(number), body, ..like };
    let writer = scene.writer().await.expect("a writer");
    writer.private_observation(&order).await.expect("written");
    writer.done().await.expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_is_gone_and_stays_gone_when_the_hour_comes_again() {
    let stack = Stack::shared();
    let (kafka, clickhouse) = (stack.kafka().await.expect("Kafka"), stack.clickhouse().await.expect("ClickHouse"));
    let scene = Scene::set("erased", kafka.bootstrap(), clickhouse.url()).await.expect("the scene");
    let historian = scene.historian(&[]).expect("spawned");
    produce(&scene).await;
    scene.until_exactly("positions", COUNT).await.expect("all arrive");

    order_to_forget(&scene).await;
    let others = COUNT - COUNT / DEVICES;
    scene.until_exactly("positions", others).await.expect("one device is gone");
    let of_it = format!("SELECT count() FROM positions WHERE device = {}", 0x11_0000 + FORGOTTEN);
    assert_eq!(scene.number(&of_it).await.expect("answers"), 0);

    // The same hour once more, in blocks of another shape: what was erased is written, and goes again.
    historian.service().stop().await.expect("stopped");
    let again = scene.historian(&[("UPDRAFT_HISTORIAN_BLOCK_RECORDS", "7")]).expect("spawned");
    produce(&scene).await;
    let written = async || {
        let rows = again.metric("fanet_historian_rows_total", &["table=\"positions\""]).await.ok()?;
        (rows >= COUNT as f64).then_some(())
    };
    wait_until(PATIENCE, "the hour to be written again", written).await.expect("written");
    scene.until_exactly("positions", others).await.expect("it stays gone");
}
