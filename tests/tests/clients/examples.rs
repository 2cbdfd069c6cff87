//! The example clients keep the picture through a cut line, a stopped server, and what happens meanwhile.

use anyhow::{Result, ensure};
use harness::{Browser, Program, ProgramOptions, TcpProxy};
use serde_json::Value;

use crate::flight::Flight;
use crate::running::{Running, examples};
use crate::stage::{SOON, fly, hide, stage};

const START: (f64, f64) = (46.20, 13.60);
const REGION: [&str; 3] = ["46.2", "13.6", "30"];
const SHY: u32 = 0x11_AC02;

#[tokio::test(flavor = "multi_thread")]
async fn each_keeps_the_picture_comes_back_and_goes_on_where_it_was() -> Result<()> {
    let stage = stage().await?;
    // Stopped on the way: not the one that others ask.
    let pusher = Program::start(ProgramOptions::new("pusher").envs(stage.settings())).await?;
    let proxy = TcpProxy::start(&pusher.http_address()).await?;
    let (mut ada, mut shy) = (Flight::new(0x11_AC01, START), Flight::new(SHY, (46.25, 13.65)));
    // Far outside: seen because it is followed.
    let mut far = Flight::new(0x11_AC03, (48.20, 16.30));
    let clients = examples(&format!("ws://{}", proxy.address()), &REGION, &[&far.address()])?;
    for _ in 0..4 {
        fly(&stage, &mut ada, 1).await?;
        fly(&stage, &mut shy, 1).await?;
        fly(&stage, &mut far, 1).await?;
    }
    let mut said = Vec::new();
    for client in &clients {
        let live = client.until(SOON, 0, "live", |event| event["event"] == "live").await?;
        ensure!(live["resumed"].is_null(), "{}: {live}", client.name);
        for flight in [&ada, &shy, &far] {
            see(client, 0, flight).await?;
        }
        let from = client.said();
        client.until(SOON, from, "a checkpoint", |event| event["event"] == "checkpoint").await?;
        said.push(client.said());
    }

    proxy.cut();
    for (client, from) in clients.iter().zip(&said) {
        client.until(SOON, *from, "closed", |event| event["event"] == "closed" && event["code"] == 1006).await?;
    }
    fly(&stage, &mut ada, 1).await?;
    hide(&stage, SHY, &mut shy).await?;
    fly(&stage, &mut far, 1).await?;
    proxy.heal();
    for (client, from) in clients.iter().zip(&said) {
        resumed(client, *from).await?;
        see(client, *from, &ada).await?;
        see(client, *from, &far).await?;
        client
            .until(SOON, *from, "the end of what went", |event| {
                event["event"] == "gone" && event["id"] == shy.address()
            })
            .await?;
    }

    said.clear();
    for client in &clients {
        client.until(SOON, client.said(), "a checkpoint", |event| event["event"] == "checkpoint").await?;
        said.push(client.said());
    }
    pusher.service().stop().await?;
    for (client, from) in clients.iter().zip(&said) {
        let closed = client.until(SOON, *from, "closed", |event| event["event"] == "closed").await?;
        ensure!(closed["code"] == 1001 && closed["wait_s"].as_f64().is_some_and(|wait| wait <= 5.0), "{closed}");
    }
    pusher.service().start().await?;
    fly(&stage, &mut ada, 1).await?;
    for (client, from) in clients.iter().zip(&said) {
        resumed(client, *from).await?;
        see(client, *from, &ada).await?;
    }

    let browser = Browser::start().await?;
    browser.open(&format!("{}/?lat={}&lon={}&radius=30", pusher.http_url(), REGION[0], REGION[1])).await?;
    let shown = format!("document.getElementById('list')?.textContent.includes('{}')", ada.address());
    browser.wait_for(&shown, SOON).await?;
    let messages = browser.messages().await?;
    ensure!(messages.is_empty(), "the page complains: {messages:?}");
    Ok(())
}

/// The newest position that went out on the radio.
async fn see(client: &Running, from: usize, flight: &Flight) -> Result<()> {
    let (address, (latitude, longitude)) = (flight.address(), flight.newest());
    let near = |value: &Value, expected: f64| value.as_f64().is_some_and(|value| (value - expected).abs() < 1e-6);
    let is_it = |event: &Value| {
        event["event"] == "object"
            && event["kind"] == "aircraft"
            && event["id"] == address
            && near(&event["latitude_deg"], latitude)
            && near(&event["longitude_deg"], longitude)
    };
    client.until(SOON, from, &format!("{address} at its newest position"), is_it).await.map(drop)
}

async fn resumed(client: &Running, from: usize) -> Result<()> {
    let live = client.until(SOON, from, "live again", |event| event["event"] == "live").await?;
    ensure!(live["resumed"] == true, "{}: {live}", client.name);
    Ok(())
}
