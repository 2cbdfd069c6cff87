//! Attacks by clients that may publish or connect, on running programs: no input ends a program or uses the resources
//! of others. Limits and figures are in docs/security.md.

mod burst;
#[path = "../e2e/flight.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod flight;
mod flood;
mod poison;
mod sender;
mod sockets;
mod standing;
mod unfinished;
mod unread;
#[path = "../e2e/watcher.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod watcher;
mod window;

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::{Program, Stage};

use crate::flight::Flight;
use crate::watcher::Watcher;

const TIMEOUT: Duration = Duration::from_secs(180);
/// The region of the honest receiver.
const REGION: &str = "lat=46.20&lon=13.60&radius=60";
const GOOD_RECEIVER: &str = "7048812";

/// Publishes positions, received by the honest receiver.
async fn fly(stage: &Stage, flight: &mut Flight, positions: usize) -> Result<()> {
    for _ in 0..positions {
        let index = flight.advance().await;
        stage.publish(&format!("fb/b/{GOOD_RECEIVER}/f/1"), &flight.payload(index)).await?;
    }
    Ok(())
}

/// Waits until the newest position is on the map.
async fn wait_for_map(map: &Watcher, flight: &Flight) -> Result<()> {
    let (address, newest) = (flight.address(), flight.newest());
    let what = format!("{address} at {newest:?}");
    map.until(TIMEOUT, &what, |picture| picture.aircraft.get(&address)?.near(newest).then_some(())).await
}

async fn ensure_ready(program: &Program) -> Result<()> {
    let (status, body) = program.admin("/ready").await?;
    ensure!(status == 200 && program.service().is_running(), "{status} {body}");
    Ok(())
}

fn setting(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
