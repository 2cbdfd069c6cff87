//! The map page in Chromium: flights are moving symbols, and the page reconnects after a restart of the pusher.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::Browser;

use crate::flight::Flight;
use harness::Stage;

const TIMEOUT: Duration = Duration::from_secs(60);
const START: (f64, f64) = (46.20, 13.60);

#[tokio::test(flavor = "multi_thread")]
async fn the_map_moves_and_survives_a_kill_of_the_pusher() -> Result<()> {
    let stage = Stage::start("browser").await?;
    let mut flight = Flight::new(0x11_AA03, START);
    fly(&stage, &mut flight, 3).await?;

    let browser = Browser::start().await?;
    browser.open(&format!("{}/#map=13/{}/{}", stage.pusher.http_url(), START.0, START.1)).await?;
    wait_for_flight(&browser, &flight).await?;
    let drawn = browser.evaluate("window.updraft.moved()").await?;
    fly(&stage, &mut flight, 4).await?;
    wait_for_flight(&browser, &flight).await?;
    browser.wait_for(&format!("window.updraft.moved() > {drawn}"), TIMEOUT).await?;
    browser.screenshot("map").await?;
    let messages = browser.messages().await?;
    ensure!(messages.is_empty(), "the page reported errors: {messages:?}");

    stage.pusher.service().kill().await?;
    browser.wait_for("!window.updraft.connected()", TIMEOUT).await?;
    fly(&stage, &mut flight, 2).await?;
    stage.pusher.service().start().await?;
    wait_for_flight(&browser, &flight).await
}

/// Publishes positions with a second between them.
async fn fly(stage: &Stage, flight: &mut Flight, positions: usize) -> Result<()> {
    for _ in 0..positions {
        let index = flight.advance().await;
        stage.publish("fb/b/8896672/f/1", &flight.payload(index)).await?;
    }
    Ok(())
}

/// Waits until the page is connected and shows the flight at its newest position.
async fn wait_for_flight(browser: &Browser, flight: &Flight) -> Result<()> {
    let (latitude, longitude) = flight.newest();
    let script = format!(
        "window.updraft?.connected() && window.updraft.aircraft().find(({{ device, lat, lon }}) =>
             device === '{}' && Math.abs(lat - {latitude}) < 1e-6 && Math.abs(lon - {longitude}) < 1e-6)",
        flight.address()
    );
    let aircraft = browser.wait_for(&script, TIMEOUT).await?;
    assert_eq!(aircraft["alt"], flight.altitude_m());
    Ok(())
}
