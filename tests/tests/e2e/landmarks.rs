//! A landmark and a text from the radio to the clients: through Kafka, REST and the device's page, until the landmark is removed.

use std::time::Duration;

use anyhow::{Result, ensure};
use fanet::packet::{Landmark, Layer, Message, Shape};
use fanet::{Packet, Position, Text};
use harness::{Stage, wait_until};
use serde_json::Value;

use crate::flight::Flight;

const TIMEOUT: Duration = Duration::from_secs(60);

fn wires(layer: Layer) -> Packet<'static> {
    let position = Position { latitude_deg: 46.21, longitude_deg: 13.61 };
    let shape = Shape::Text { position, text: Text::new("Wires!") };
    Packet::Landmark(Landmark { ttl_min: 20, layer, reserved: 0, wind_sectors: None, shape })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_landmark_comes_and_goes_and_a_text_is_shown() -> Result<()> {
    let stage = Stage::start("landmarks").await?;
    let mut flight = Flight::new(0x11_AA31, (46.20, 13.60));
    let address = flight.address();
    for _ in 0..4 {
        let index = flight.advance().await;
        stage.publish("fb/b/8896672/f/1", &flight.payload(index)).await?;
    }
    stage.publish("fb/b/8896672/f/5", &flight.payload_of(wires(Layer::Warning))).await?;
    let text = Packet::Message(Message { subtype: 0, message: Text::new("landing at the lake") });
    stage.publish("fb/b/8896672/f/3", &flight.payload_of(text)).await?;

    let get = async |path: &str| -> Option<Value> { serde_json::from_str(&stage.pusher.http(path).await.ok()?.1).ok() };
    let list = "/api/v1/landmarks?bounds=46,13,47,14";
    let one = async || get(list).await?["landmarks"].as_array().filter(|all| all.len() == 1).map(|all| all[0].clone());
    let landmark = wait_until(TIMEOUT, "the landmark", one).await?;
    ensure!(landmark["text"] == "Wires!" && landmark["device"] == address.as_str(), "{landmark}");
    let shown = async || {
        let device = get(&format!("/api/v1/devices/{address}")).await?;
        (device["aircraft"]["text"] == "landing at the lake").then_some(())
    };
    wait_until(TIMEOUT, "the text", shown).await?;

    // A processor that starts again has both in its checkpoint, or makes them again.
    stage.processor.service().kill().await?;
    stage.processor.service().start().await?;
    stage.publish("fb/b/8896672/f/5", &flight.payload_of(wires(Layer::DontCare))).await?;
    let none = async || get(list).await?["landmarks"].as_array().is_none_or(Vec::is_empty).then_some(());
    wait_until(TIMEOUT, "the end of the landmark", none).await
}
