//! What a newcomer sees: `updraft` alone, and its map in a browser.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use harness::{Browser, Program, ProgramOptions, free_port};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

async fn updraft() -> Result<Program> {
    let mqtt_listen = format!("127.0.0.1:{}", free_port());
    let options = ProgramOptions::new("updraft").env("UPDRAFT_STANDALONE_MQTT_LISTEN", mqtt_listen);
    // Every line of it is read by the harness.
    Program::start(options.env("UPDRAFT_LOG_FORMAT", "json")).await
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
    files_of_a_track(&browser).await?;
    let messages = browser.messages().await?;
    ensure!(messages.is_empty(), "the page complains: {messages:?}");
    Ok(())
}

/// Selects a pilot and takes the track in each form: the page's own links by a click, the others as the page would ask for
/// them. Other programs read them.
async fn files_of_a_track(browser: &Browser) -> Result<()> {
    browser.click(".row").await?;
    // The page draws the recorded track itself.
    browser.wait_for("window.updraft.track().some((points) => points > 2)", PATIENCE).await?;
    let links = browser.evaluate("[...document.querySelectorAll('.files a')].map((link) => link.href)").await?;
    let links: Vec<String> = serde_json::from_value(links)?;
    ensure!(links.len() >= 3, "{links:?}");
    let dir = harness::supervise::fresh_dir("downloads")?;
    let mut taken = Vec::new();
    for (at, link) in links.iter().enumerate() {
        let form = link.rsplit_once("format=").context("a form")?.1;
        let path = dir.join(format!("track.{form}"));
        let name = browser.download(&format!(".files a:nth-of-type({})", at + 1), &path).await?;
        ensure!(name.ends_with(&format!(".{form}")), "{link} is offered as {name}");
        taken.push(form.to_owned());
    }
    for form in ["json", "geojson", "gpx", "kml", "igc", "csv"] {
        if taken.iter().any(|taken| taken == form) {
            continue;
        }
        let url = links[0].rsplit_once("format=").context("a form")?.0;
        let script = format!("fetch('{url}format={form}').then((answer) => answer.ok ? answer.text() : null)");
        let text = browser.evaluate(&script).await?;
        std::fs::write(dir.join(format!("track.{form}")), text.as_str().with_context(|| format!("no {form}"))?)?;
    }
    let script = harness::workspace_dir().join("tests/clients/read_tracks.py");
    let read = Command::new(harness::python()?).arg(script).arg(&dir).output()?;
    let said = String::from_utf8_lossy(&read.stdout);
    ensure!(read.status.success(), "{said}{}", String::from_utf8_lossy(&read.stderr));
    ensure!(said.lines().count() == 6, "six forms: {said}");
    Ok(())
}

/// What the page offers beyond the map: a group by link, the table with its files, and a start from the browser's own copy
/// once the server has stopped.
#[tokio::test(flavor = "multi_thread")]
async fn groups_tables_and_a_start_without_network() -> Result<()> {
    let updraft = updraft().await?;
    let browser = Browser::start().await?;
    let url = updraft.http_url();
    browser.open_sized(&url, 1440, 900).await?;
    browser.wait_for("window.updraft?.connected() && window.updraft.counts().aircraft >= 5", PATIENCE).await?;
    let members = browser.evaluate("window.updraft.aircraft().slice(0, 3).map(({ device }) => device).join()").await?;
    let members = members.as_str().context("addresses")?;

    // With a query of its own it is another page: a fragment alone would load nothing.
    browser.open_sized(&format!("{url}?style=offline#group={members}&filter=group"), 1440, 900).await?;
    browser.wait_for("window.updraft?.connected() && window.updraft.drawn().length === 3", PATIENCE).await?;
    browser.click("button[aria-label=Group]").await?;
    browser.wait_for("document.querySelectorAll('#group .members li').length === 3", PATIENCE).await?;

    browser.click("button[aria-label=Table]").await?;
    browser.wait_for("document.querySelectorAll('#data .data tbody tr').length >= 5", PATIENCE).await?;
    browser.click("#data button[aria-pressed]").await?;
    let dir = harness::supervise::fresh_dir("tables")?;
    let files = [dir.join("table.csv"), dir.join("table.xlsx")];
    for (at, file) in files.iter().enumerate() {
        browser.download(&format!("#data .downloads button:nth-of-type({})", at + 1), file).await?;
    }
    let script = harness::workspace_dir().join("tests/clients/read_table.py");
    let read = Command::new(harness::python()?).arg(script).args(&files).output()?;
    ensure!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));

    let kept = "navigator.serviceWorker.ready.then(({ active }) => active.state === 'activated')";
    browser.wait_for(kept, PATIENCE).await?;
    let messages = browser.messages().await?;
    ensure!(messages.is_empty(), "the page complains: {messages:?}");
    drop(updraft);
    browser.open_sized(&url, 1440, 900).await?;
    browser
        .wait_for("window.updraft && document.querySelector('.banner.stale:not([hidden])') !== null", PATIENCE)
        .await?;
    Ok(())
}

fn plausible(aircraft: &Value) -> bool {
    let between =
        |name: &str, low: f64, high: f64| aircraft[name].as_f64().is_some_and(|value| (low..high).contains(&value));
    between("lat", -90.0, 90.0) && between("lon", -180.0, 180.0) && between("alt", 0.0, 9_000.0)
}
