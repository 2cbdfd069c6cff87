//! What a newcomer sees: `updraft` alone, and its map in a browser.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use harness::{Browser, Program, ProgramOptions, free_port};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

async fn updraft() -> Result<Program> {
    let mqtt_listen = format!("127.0.0.1:{}", free_port());
    Program::start(ProgramOptions::new("updraft").env("UPDRAFT_STANDALONE_MQTT_LISTEN", mqtt_listen)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_map_shows_simulated_pilots_who_move() -> Result<()> {
    #[allow(clippy::disallowed_methods, reason = "what a newcomer waits is real time")]
    let started = Instant::now();
    let updraft = updraft().await?;
    let browser = Browser::start().await?;
    browser.open_sized(&updraft.http_url(), 1440, 900).await?;
    browser.wait_for("window.updraft?.connected() && window.updraft.counts().aircraft >= 5", PATIENCE).await?;
    browser.wait_for("window.updraft.moved() > 0", PATIENCE).await?;
    eprintln!("moving aircraft {:.1} s after the start", started.elapsed().as_secs_f32());

    let before = browser.evaluate("window.updraft.aircraft()").await?;
    let flown = format!(
        "{{ const before = new Map({before}.map((aircraft) => [aircraft.device, aircraft]));
           return window.updraft.aircraft().filter(({{ device, lat, lon }}) => {{
               const then = before.get(device);
               return then && (then.lat !== lat || then.lon !== lon);
           }}).length >= 3; }}"
    );
    browser.wait_for(&format!("(() => {flown})()"), PATIENCE).await?;
    // Receivers are a layer that the page leaves off until it is asked.
    browser.wait_for("window.updraft.counts().stations > 0", PATIENCE).await?;
    for aircraft in before.as_array().into_iter().flatten() {
        ensure!(plausible(aircraft), "{aircraft}");
    }
    browser.screenshot("demo").await?;
    let messages = browser.messages().await?;
    ensure!(messages.is_empty(), "the page complains: {messages:?}");
    Ok(())
}

fn plausible(aircraft: &Value) -> bool {
    let between =
        |name: &str, low: f64, high: f64| aircraft[name].as_f64().is_some_and(|value| (low..high).contains(&value));
    between("lat", -90.0, 90.0) && between("lon", -180.0, 180.0) && between("alt", 0.0, 9_000.0)
}
