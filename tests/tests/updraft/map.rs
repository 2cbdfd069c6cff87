//! The map page over the real program: panel, heights above ground, follow, filter, calls and time travel.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use harness::supervise::fresh_dir;
use harness::{Browser, Program, ProgramOptions, free_port, tool_path, workspace_dir};

const TIMEOUT: Duration = Duration::from_secs(180);
/// The newest minute is no past, and positions are recorded with a delay.
const PAST: Duration = Duration::from_secs(240);
/// Writes an archive with a hill: 600 m around it, 2,800 m at its top.
const WRITE_HILL: &str = "import { writeFileSync } from 'node:fs'; const { terrainArchive } = await import(process.argv[1]); \
                          writeFileSync(process.argv[2], terrainArchive());";

fn hill() -> Result<PathBuf> {
    let file = fresh_dir("hill")?.join("hill.pmtiles");
    let archives = workspace_dir().join("pusher/web/tests/archives.mjs");
    let mut node = Command::new(tool_path("node")?);
    let made = node.args(["--input-type=module", "-e", WRITE_HILL]).arg(archives).arg(&file).output()?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Ok(file)
}

async fn updraft() -> Result<Program> {
    let options = ProgramOptions::new("updraft")
        .env("UPDRAFT_STANDALONE_MQTT_LISTEN", format!("127.0.0.1:{}", free_port()))
        .env("UPDRAFT_PUSHER_TERRAIN", hill()?.display());
    Program::start(options.env("UPDRAFT_LOG_FORMAT", "json")).await
}

/// Whether an element is there and can be seen.
fn visible(selector: &str) -> String {
    format!("document.querySelector('{selector}')?.checkVisibility() === true")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_map_serves_a_pilot_and_a_rescuer() -> Result<()> {
    let updraft = updraft().await?;
    let browser = Browser::start().await?;
    let url = updraft.http_url();
    browser.open_sized(&format!("{url}#map=9.5/46.65/7.9"), 1440, 900).await?;
    browser.wait_for("window.updraft?.connected() && window.updraft.moved() > 0", TIMEOUT).await?;
    let begun = browser.evaluate("Date.now()").await?;
    browser.wait_for("document.querySelectorAll('.rows:not([hidden]) .row').length > 3", TIMEOUT).await?;

    // Some of the simulated pilots stand in a landing field and call, for minutes.
    browser.wait_for("window.updraft.counts().alerts > 0", TIMEOUT).await?;
    let calls = format!("({}) || ({})", visible(".banner.calm"), visible(".alerts"));
    browser.wait_for(&calls, TIMEOUT).await?;
    browser.click("[data-tab=calls]").await?;
    browser.wait_for(&visible(".rows:not([hidden]) .row"), TIMEOUT).await?;
    browser.click("[data-tab=air]").await?;
    browser.wait_for("document.querySelectorAll('.rows:not([hidden]) .row').length > 3", TIMEOUT).await?;

    browser.click(".row").await?;
    let above = "document.querySelector('[data-fact=\"fact.agl\"] dd')?.textContent";
    browser.wait_for(&format!("/^\\d+ m$/.test({above} ?? '')"), TIMEOUT).await?;
    browser.wait_for("window.updraft.shown('contours').length > 0", TIMEOUT).await?;
    browser.click("#card .action.primary").await?;
    browser.wait_for(&visible(".row.followed"), TIMEOUT).await?;
    browser.wait_for("/follow=[0-9A-F]{6}/.test(location.hash)", TIMEOUT).await?;
    browser.screenshot("map-terrain").await?;

    browser.click("button[aria-label=Filter]").await?;
    browser.click("#filter .chip").await?;
    browser
        .wait_for(&format!("{} && location.hash.includes('filter=kind:')", visible(".banner.filtered")), TIMEOUT)
        .await?;
    browser.click(".banner.filtered .clear").await?;
    browser.wait_for(&format!("!({})", visible(".banner.filtered")), TIMEOUT).await?;

    browser.click("button[aria-label=\"Time travel\"]").await?;
    browser.wait_for(&visible("#travel .travel-time"), TIMEOUT).await?;
    // 20 s after the first symbol, once that is the past: one step of the slider is 10 s.
    let past = format!(
        "(() => {{
           const slider = document.querySelector('#travel input[type=range]');
           const back = Math.floor((Date.now() - {begun} - 20000) / 10000) * 10;
           if (back < 70) return false;
           if (!window.updraft.travel()) {{
               slider.value = String(Number(slider.max) - back);
               slider.dispatchEvent(new Event('input'));
           }}
           return (window.updraft.travel()?.aircraft ?? 0) > 3;
         }})()"
    );
    browser.wait_for(&past, PAST).await?;
    browser.wait_for("/at=\\d{4}-\\d\\d-\\d\\dT/.test(location.hash)", TIMEOUT).await?;
    browser.screenshot("map-past").await?;
    browser.click("#travel .live").await?;
    browser.wait_for("window.updraft.travel() === undefined && window.updraft.drawn().length > 3", TIMEOUT).await?;

    let messages = browser.messages().await?;
    ensure!(messages.is_empty(), "the page reported errors: {messages:?}");
    Ok(())
}
