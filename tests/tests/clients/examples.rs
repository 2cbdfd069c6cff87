//! The example clients keep their picture complete after a network failure and a restart of the server.

use anyhow::{Result, ensure};
use harness::{Browser, Program, ProgramOptions, TcpProxy};
use serde_json::Value;

use crate::flight::Flight;
use crate::running::{Running, examples};
use crate::stage::{TIMEOUT, fly, stage, withdraw_consent};

const START: (f64, f64) = (46.20, 13.60);
const REGION: [&str; 3] = ["46.2", "13.6", "30"];
const PRIVATE: u32 = 0x11_AC02;

#[tokio::test(flavor = "multi_thread")]
async fn each_client_reconnects_and_resumes() -> Result<()> {
    let stage = stage().await?;
    // A separate pusher, since this test stops it.
    let pusher = Program::start(ProgramOptions::new("pusher").envs(stage.settings())).await?;
    let proxy = TcpProxy::start(&pusher.http_address()).await?;
    let (mut public_flight, mut private_flight) = (Flight::new(0x11_AC01, START), Flight::new(PRIVATE, (46.25, 13.65)));
    // Outside of the region: visible because the clients follow it.
    let mut followed_flight = Flight::new(0x11_AC03, (48.20, 16.30));
    let clients = examples(&format!("ws://{}", proxy.address()), &REGION, &[&followed_flight.address()])?;
    for _ in 0..4 {
        fly(&stage, &mut public_flight, 1).await?;
        fly(&stage, &mut private_flight, 1).await?;
        fly(&stage, &mut followed_flight, 1).await?;
    }
    let mut seen = Vec::new();
    for client in &clients {
        let live = client.until(TIMEOUT, 0, "live", |event| event["event"] == "live").await?;
        ensure!(live["resumed"].is_null(), "{}: {live}", client.name);
        for flight in [&public_flight, &private_flight, &followed_flight] {
            wait_for_newest_position(client, 0, flight).await?;
        }
        let from = client.event_count();
        client.until(TIMEOUT, from, "a checkpoint", |event| event["event"] == "checkpoint").await?;
        seen.push(client.event_count());
    }

    proxy.cut();
    for (client, from) in clients.iter().zip(&seen) {
        client.until(TIMEOUT, *from, "closed", |event| event["event"] == "closed" && event["code"] == 1006).await?;
    }
    fly(&stage, &mut public_flight, 1).await?;
    withdraw_consent(&stage, PRIVATE, &mut private_flight).await?;
    fly(&stage, &mut followed_flight, 1).await?;
    proxy.heal();
    for (client, from) in clients.iter().zip(&seen) {
        resumed(client, *from).await?;
        wait_for_newest_position(client, *from, &public_flight).await?;
        wait_for_newest_position(client, *from, &followed_flight).await?;
        client
            .until(TIMEOUT, *from, "the removal of the private flight", |event| {
                event["event"] == "gone" && event["id"] == private_flight.address()
            })
            .await?;
    }

    seen.clear();
    for client in &clients {
        client.until(TIMEOUT, client.event_count(), "a checkpoint", |event| event["event"] == "checkpoint").await?;
        seen.push(client.event_count());
    }
    pusher.service().stop().await?;
    for (client, from) in clients.iter().zip(&seen) {
        let closed = client.until(TIMEOUT, *from, "closed", |event| event["event"] == "closed").await?;
        ensure!(closed["code"] == 1001 && closed["wait_s"].as_f64().is_some_and(|wait| wait <= 5.0), "{closed}");
    }
    pusher.service().start().await?;
    fly(&stage, &mut public_flight, 1).await?;
    for (client, from) in clients.iter().zip(&seen) {
        resumed(client, *from).await?;
        wait_for_newest_position(client, *from, &public_flight).await?;
    }

    let browser = Browser::start().await?;
    browser.open(&format!("{}/?lat={}&lon={}&radius=30", pusher.http_url(), REGION[0], REGION[1])).await?;
    let shown = format!("document.getElementById('list')?.textContent.includes('{}')", public_flight.address());
    browser.wait_for(&shown, TIMEOUT).await?;
    let messages = browser.messages().await?;
    ensure!(messages.is_empty(), "the page reported errors: {messages:?}");
    Ok(())
}

/// Waits until the client reports the flight at its newest position.
async fn wait_for_newest_position(client: &Running, from: usize, flight: &Flight) -> Result<()> {
    let (address, (latitude, longitude)) = (flight.address(), flight.newest());
    let near = |value: &Value, expected: f64| value.as_f64().is_some_and(|value| (value - expected).abs() < 1e-6);
    let matches = |event: &Value| {
        event["event"] == "object"
            && event["kind"] == "aircraft"
            && event["id"] == address
            && near(&event["latitude_deg"], latitude)
            && near(&event["longitude_deg"], longitude)
    };
    client.until(TIMEOUT, from, &format!("{address} at its newest position"), matches).await.map(drop)
}

async fn resumed(client: &Running, from: usize) -> Result<()> {
    let live = client.until(TIMEOUT, from, "live again", |event| event["event"] == "live").await?;
    ensure!(live["resumed"] == true, "{}: {live}", client.name);
    Ok(())
}
