//! The map page in Chromium: flights are symbols that move, and the page comes back by itself when the pusher does.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::Browser;

use crate::flight::Flight;
use harness::Stage;

const SOON: Duration = Duration::from_secs(60);
const START: (f64, f64) = (46.20, 13.60);

#[tokio::test(flavor = "multi_thread")]
async fn flights_move_on_the_map_and_go_on_after_the_pusher_was_killed() -> Result<()> {
    let stage = Stage::start("browser").await?;
    let mut flight = Flight::new(0x11_AA03, START);
    fly(&stage, &mut flight, 3).await?;

    let browser = Browser::start().await?;
    browser.open(&format!("{}/#map=13/{}/{}", stage.pusher.http_url(), START.0, START.1)).await?;
    see(&browser, &flight).await?;
    let drawn = browser.evaluate("window.updraft.moved()").await?;
    fly(&stage, &mut flight, 4).await?;
    see(&browser, &flight).await?;
    browser.wait_for(&format!("window.updraft.moved() > {drawn}"), SOON).await?;
    browser.screenshot("map").await?;
    let messages = browser.messages().await?;
    ensure!(messages.is_empty(), "the page complains: {messages:?}");

    stage.pusher.service().kill().await?;
    browser.wait_for("!window.updraft.connected()", SOON).await?;
    fly(&stage, &mut flight, 2).await?;
    stage.pusher.service().start().await?;
    see(&browser, &flight).await
}

/// One position after the other, a second apart.
async fn fly(stage: &Stage, flight: &mut Flight, positions: usize) -> Result<()> {
    for _ in 0..positions {
        let index = flight.advance().await;
        stage.publish("fb/b/8896672/f/1", &flight.payload(index)).await?;
    }
    Ok(())
}

/// The page is live and has the newest position that went out on the radio.
async fn see(browser: &Browser, flight: &Flight) -> Result<()> {
    let (latitude, longitude) = flight.newest();
    let script = format!(
        "window.updraft?.connected() && window.updraft.aircraft().find(({{ device, lat, lon }}) =>
             device === '{}' && Math.abs(lat - {latitude}) < 1e-6 && Math.abs(lon - {longitude}) < 1e-6)",
        flight.address()
    );
    let aircraft = browser.wait_for(&script, SOON).await?;
    assert_eq!(aircraft["alt"], flight.altitude_m());
    Ok(())
}
