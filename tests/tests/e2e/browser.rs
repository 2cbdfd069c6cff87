//! The map page in Chromium, on a desktop and on a phone: flights are moving symbols, the page breaks no rule of accessibility,
//! reconnects after a restart of the pusher, and shows a distress call in its banner.

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
    let view = format!("#map=13/{}/{}", START.0, START.1);
    browser.open(&format!("{}/{view}", stage.pusher.http_url())).await?;
    wait_for_flight(&browser, &flight).await?;
    let drawn = browser.evaluate("window.updraft.moved()").await?;
    fly(&stage, &mut flight, 4).await?;
    wait_for_flight(&browser, &flight).await?;
    browser.wait_for(&format!("window.updraft.moved() > {drawn}"), TIMEOUT).await?;
    browser.screenshot("map").await?;
    breaks_no_rule(&browser, "on a desktop").await?;

    // An address that differs by its fragment alone would not load the page again.
    browser.open_phone(&format!("{}/?style=offline{view}", stage.pusher.http_url())).await?;
    wait_for_flight(&browser, &flight).await?;
    ensure!(browser.evaluate("matchMedia('(pointer: coarse)').matches").await? == true, "the page is not on a phone");
    breaks_no_rule(&browser, "on a phone").await?;
    browser.screenshot("map-on-a-phone").await?;
    let messages = browser.messages().await?;
    ensure!(messages.is_empty(), "the page reported errors: {messages:?}");

    stage.pusher.service().kill().await?;
    browser.wait_for("!window.updraft.connected()", TIMEOUT).await?;
    fly(&stage, &mut flight, 2).await?;
    stage.pusher.service().start().await?;
    wait_for_flight(&browser, &flight).await?;
    shows_a_distress_call(&stage, &browser, &mut flight).await
}

async fn breaks_no_rule(browser: &Browser, place: &str) -> Result<()> {
    let violations = browser.axe_violations().await?;
    ensure!(violations.is_empty(), "{place} the page breaks rules of accessibility: {violations:#?}");
    Ok(())
}

/// The banner names the caller, and its button opens the details.
async fn shows_a_distress_call(stage: &Stage, browser: &Browser, flight: &mut Flight) -> Result<()> {
    flight.advance().await;
    stage.publish("fb/b/8896672/f/1", &flight.distress_payload()).await?;
    let banner = "document.querySelector('.alerts:not([hidden]) li')?.innerText";
    let text = browser.wait_for(banner, TIMEOUT).await?.to_string();
    ensure!(text.contains("Distress call") && text.contains(&flight.address()), "the banner says {text}");
    browser.click(".alerts li button").await?;
    let details = "document.querySelector('#card:not([hidden]) header')?.innerText";
    let text = browser.wait_for(details, TIMEOUT).await?.to_string();
    ensure!(text.contains("Distress call") && text.contains(&flight.address()), "the details say {text}");
    breaks_no_rule(browser, "on a phone with a distress call").await?;
    browser.screenshot("map-with-a-distress-call").await?;
    Ok(())
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
