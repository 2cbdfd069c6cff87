//! The demo as a new user sees it: `updraft` alone, and its map in a browser.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use harness::{Browser, Program, ProgramOptions, free_port};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(60);

async fn updraft() -> Result<Program> {
    let mqtt_listen = format!("127.0.0.1:{}", free_port());
    let options = ProgramOptions::new("updraft").env("UPDRAFT_STANDALONE_MQTT_LISTEN", mqtt_listen);
    // The harness parses each line.
    Program::start(options.env("UPDRAFT_LOG_FORMAT", "json")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_map_shows_moving_pilots() -> Result<()> {
    #[allow(clippy::disallowed_methods, reason = "measures real time")]
    let started = Instant::now();
    let updraft = updraft().await?;
    let browser = Browser::start().await?;
    browser.open_sized(&updraft.http_url(), 1440, 900).await?;
    browser.wait_for("window.updraft?.connected() && window.updraft.counts().aircraft >= 5", TIMEOUT).await?;
    browser.wait_for("window.updraft.moved() > 0", TIMEOUT).await?;
    eprintln!("moving aircraft {:.1} s after the start", started.elapsed().as_secs_f32());

    let before = browser.evaluate("window.updraft.aircraft()").await?;
    let flown = format!(
        "{{ const before = new Map({before}.map((aircraft) => [aircraft.device, aircraft]));
           return window.updraft.aircraft().filter(({{ device, lat, lon }}) => {{
               const then = before.get(device);
               return then && (then.lat !== lat || then.lon !== lon);
           }}).length >= 3; }}"
    );
    browser.wait_for(&format!("(() => {flown})()"), TIMEOUT).await?;
    // The layer of receivers is disabled by default.
    browser.wait_for("window.updraft.counts().stations > 0", TIMEOUT).await?;
    for aircraft in before.as_array().into_iter().flatten() {
        ensure!(plausible(aircraft), "{aircraft}");
    }
    browser.screenshot("demo").await?;
    files_of_a_track(&browser).await?;
    let messages = browser.messages().await?;
    ensure!(messages.is_empty(), "the page reported errors: {messages:?}");
    let log = updraft.service().log_tail(1000);
    let alarming =
        log.lines().find(|line| ["\"WARN\"", "\"ERROR\"", "not ready"].iter().any(|word| line.contains(word)));
    ensure!(alarming.is_none(), "a healthy demo logs {alarming:?}");
    Ok(())
}

/// Selects a pilot and downloads the track in each format, either by a click on the page's link or by a request from
/// the page. Third-party programs parse the files.
async fn files_of_a_track(browser: &Browser) -> Result<()> {
    browser.click(".row").await?;
    // The page draws the recorded track.
    browser.wait_for("window.updraft.track().some((points) => points > 2)", TIMEOUT).await?;
    let links = browser.evaluate("[...document.querySelectorAll('.files a')].map((link) => link.href)").await?;
    let links: Vec<String> = serde_json::from_value(links)?;
    ensure!(links.len() >= 3, "{links:?}");
    let dir = harness::supervise::fresh_dir("downloads")?;
    let mut downloaded = Vec::new();
    for (at, link) in links.iter().enumerate() {
        let format = link.rsplit_once("format=").context("a format")?.1;
        let path = dir.join(format!("track.{format}"));
        let name = browser.download(&format!(".files a:nth-of-type({})", at + 1), &path).await?;
        ensure!(name.ends_with(&format!(".{format}")), "{link} is offered as {name}");
        downloaded.push(format.to_owned());
    }
    for format in ["json", "geojson", "gpx", "kml", "igc", "csv"] {
        if downloaded.iter().any(|downloaded| downloaded == format) {
            continue;
        }
        let url = links[0].rsplit_once("format=").context("a format")?.0;
        let script = format!("fetch('{url}format={format}').then((answer) => answer.ok ? answer.text() : null)");
        let text = browser.evaluate(&script).await?;
        std::fs::write(dir.join(format!("track.{format}")), text.as_str().with_context(|| format!("no {format}"))?)?;
    }
    let script = harness::workspace_dir().join("tests/clients/read_tracks.py");
    let read = Command::new(harness::python()?).arg(script).arg(&dir).output()?;
    let output = String::from_utf8_lossy(&read.stdout);
    ensure!(read.status.success(), "{output}{}", String::from_utf8_lossy(&read.stderr));
    ensure!(output.lines().count() == 6, "expected six formats: {output}");
    Ok(())
}

/// Other functions of the page: a group by link, the table with its files, and a start from the browser's cache after
/// the server has stopped.
#[tokio::test(flavor = "multi_thread")]
async fn groups_tables_and_an_offline_start_work() -> Result<()> {
    let updraft = updraft().await?;
    let browser = Browser::start().await?;
    let url = updraft.http_url();
    browser.open_sized(&url, 1440, 900).await?;
    browser.wait_for("window.updraft?.connected() && window.updraft.counts().aircraft >= 5", TIMEOUT).await?;
    let members = browser.evaluate("window.updraft.aircraft().slice(0, 3).map(({ device }) => device).join()").await?;
    let members = members.as_str().context("addresses")?;

    // A different query loads the page again; a different fragment would not.
    browser.open_sized(&format!("{url}?style=offline#group={members}&filter=group"), 1440, 900).await?;
    browser.wait_for("window.updraft?.connected() && window.updraft.drawn().length === 3", TIMEOUT).await?;
    browser.click("button[aria-label=Group]").await?;
    browser.wait_for("document.querySelectorAll('#group .members li').length === 3", TIMEOUT).await?;

    browser.click("button[aria-label=Table]").await?;
    browser.wait_for("document.querySelectorAll('#data .data tbody tr').length >= 5", TIMEOUT).await?;
    browser.click("#data button[aria-pressed]").await?;
    let dir = harness::supervise::fresh_dir("tables")?;
    let files = [dir.join("table.csv"), dir.join("table.xlsx")];
    for (at, file) in files.iter().enumerate() {
        browser.download(&format!("#data .downloads button:nth-of-type({})", at + 1), file).await?;
    }
    let script = harness::workspace_dir().join("tests/clients/read_table.py");
    let read = Command::new(harness::python()?).arg(script).args(&files).output()?;
    ensure!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));

    let activated = "navigator.serviceWorker.ready.then(({ active }) => active.state === 'activated')";
    browser.wait_for(activated, TIMEOUT).await?;
    let messages = browser.messages().await?;
    ensure!(messages.is_empty(), "the page reported errors: {messages:?}");
    drop(updraft);
    browser.open_sized(&url, 1440, 900).await?;
    browser
        .wait_for("window.updraft && document.querySelector('.banner.stale:not([hidden])') !== null", TIMEOUT)
        .await?;
    Ok(())
}

fn plausible(aircraft: &Value) -> bool {
    let between =
        |name: &str, low: f64, high: f64| aircraft[name].as_f64().is_some_and(|value| (low..high).contains(&value));
    between("lat", -90.0, 90.0) && between("lon", -180.0, 180.0) && between("alt", 0.0, 9_000.0)
}
