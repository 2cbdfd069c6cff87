//! A pilot who withdraws consent, in the real services: hidden on every path that leads to a client, at once, after the
//! aircraft has expired, after each program has been killed, and after Redis has been flushed and written again.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Program, ProgramOptions, Stack, Stage, unique_prefix, wait_until};
use serde_json::Value;

use crate::flight::Flight;
use crate::track::migrate;
use crate::watcher::Watcher;

const TIMEOUT: Duration = Duration::from_secs(60);
const REGION: &str = "lat=46.19&lon=13.65&radius=60";
/// Positions that are shown.
const POSITIONS: usize = 8;

/// What clients can find of the pilot, by each path.
#[derive(Debug, PartialEq, Eq, Default)]
pub(crate) struct Found {
    snapshot: bool,
    device: bool,
    search: bool,
    redis: bool,
    pub(crate) track_points: usize,
    pub(crate) export_rows: usize,
    flights: usize,
}

impl Found {
    async fn look(stage: &Stage, address: &str) -> Result<Self> {
        let get = async |path: String| stage.pusher.http(&path).await;
        let json = async |path: String| -> Result<Value> {
            let (status, body) = get(path.clone()).await?;
            ensure!(status == 200, "{path}: {status} {body}");
            Ok(serde_json::from_str(&body)?)
        };
        let snapshot = json(format!("/api/v1/snapshot?{REGION}")).await?;
        let search = json(format!("/api/v1/search?q={address}")).await?;
        let flights = json("/api/v1/flights?bounds=-90,-180,90,180".to_owned()).await?;
        let (device, _) = get(format!("/api/v1/devices/{address}")).await?;
        let (track_status, track) = get(format!("/api/v1/track/{address}?hours=1&level=raw")).await?;
        ensure!(matches!(track_status, 200 | 404), "the track: {track_status} {track}");
        let (export_status, export) = get("/api/v1/export?hours=1".to_owned()).await?;
        ensure!(export_status == 200, "the export: {export_status} {export}");
        let members = stage.redis(&["ZRANGE", "fanet:{aircraft}:geo", "0", "-1"])?;
        // The version of what has ended stays for a while, without its place.
        let key = format!("fanet:{{aircraft}}:{address}");
        Ok(Self {
            snapshot: mentions(&snapshot, address),
            device: device == 200,
            search: mentions(&search, address),
            redis: members.contains(address) || stage.redis(&["HEXISTS", &key, "latitude_deg"])?.trim() != "0",
            track_points: if track_status == 200 { points(&serde_json::from_str(&track)?) } else { 0 },
            export_rows: export.lines().filter(|line| line.contains(address)).count(),
            flights: flights["flights"]
                .as_array()
                .map_or(0, |all| all.iter().filter(|one| mentions(one, address)).count()),
        })
    }

    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

fn points(track: &Value) -> usize {
    let segments = track["segments"].as_array().into_iter().flatten();
    segments.map(|segment| segment["points"].as_array().map_or(0, Vec::len)).sum()
}

/// Whether a device of that address is anywhere in it.
fn mentions(value: &Value, address: &str) -> bool {
    match value {
        Value::Object(fields) => {
            fields.get("device").is_some_and(|device| device == address)
                || fields.values().any(|value| mentions(value, address))
        }
        Value::Array(values) => values.iter().any(|value| mentions(value, address)),
        _ => false,
    }
}

pub(crate) async fn fly(stage: &Stage, flight: &mut Flight) -> Result<()> {
    let index = flight.advance().await;
    for receiver in ["8896672", "7048812"] {
        stage.publish(&format!("fb/b/{receiver}/f/1"), &flight.payload(index)).await?;
    }
    Ok(())
}

pub(crate) async fn until(stage: &Stage, address: &str, what: &str, holds: impl Fn(&Found) -> bool) -> Result<Found> {
    let seen = wait_until(TIMEOUT, what, async || Found::look(stage, address).await.ok().filter(&holds)).await;
    match seen {
        Ok(found) => Ok(found),
        Err(error) => Err(error.context(format!("{:?}", Found::look(stage, address).await))),
    }
}

/// A map that connects now sees others, and not the pilot.
async fn a_new_map_does_not_show(stage: &Stage, address: &str) -> Result<()> {
    let map = Watcher::start(&stage.pusher, REGION, &[])?;
    map.until(TIMEOUT, "the snapshot", |picture| picture.has("snapshot").then_some(())).await?;
    ensure!(map.look(|picture| !picture.aircraft.contains_key(address)), "a new map shows {address}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawal_outlives_aircraft_programs_and_redis() -> Result<()> {
    let engine = Stack::shared().clickhouse().await?.url();
    let database = unique_prefix("privacy").replace(['-', '.'], "_");
    let settings = [
        ("UPDRAFT_CLICKHOUSE_URL".to_owned(), format!("{engine}/{database}")),
        ("UPDRAFT_PROCESSOR_AIRCRAFT_LIFETIME".to_owned(), "10s".to_owned()),
    ];
    let stage = Stage::start_with("privacy", settings).await?;
    migrate(&stage)?;
    let historian = Program::start(ProgramOptions::new("processor").args(["historian"]).envs(stage.settings())).await?;

    let mut flight = Flight::new(0x11_AA08, (46.20, 13.60));
    let address = flight.address();
    for _ in 0..POSITIONS {
        fly(&stage, &mut flight).await?;
    }
    let found = until(&stage, &address, "the flight on every path", |found| {
        // The newest may have expired from the live state by the time that the history has all.
        found.track_points == POSITIONS && found.export_rows == POSITIONS
    });
    found.await.with_context(|| historian.service().log_tail(20))?;
    fly(&stage, &mut flight).await?;
    let live = until(&stage, &address, "the aircraft in the live state", |found| {
        found.snapshot && found.device && found.search && found.redis
    });
    live.await?;

    flight.set_online_tracking(false);
    fly(&stage, &mut flight).await?;
    until(&stage, &address, "hidden on every path", Found::is_nothing).await?;
    a_new_map_does_not_show(&stage, &address).await?;

    let expired = async || {
        let hidden = stage.pusher.metric("fanet_pusher_hidden_devices", &[]).await.ok()?;
        (hidden == 0.0).then_some(())
    };
    wait_until(TIMEOUT, "the aircraft expired", expired).await?;
    let found = Found::look(&stage, &address).await?;
    ensure!(found.is_nothing(), "after the aircraft has expired: {found:?}");

    for program in stage.programs().into_iter().chain([&historian]) {
        program.service().kill().await?;
        program.service().start().await?;
        let found = Found::look(&stage, &address).await?;
        ensure!(found.is_nothing(), "after a kill of {}: {found:?}", program.service().name());
    }
    a_new_map_does_not_show(&stage, &address).await?;

    stage.redis(&["FLUSHALL"])?;
    let rebuild = ProgramOptions::new("processor").args(["rebuild-redis"]).envs(stage.settings());
    rebuild.start_within(TIMEOUT).run().await?;
    let found = Found::look(&stage, &address).await?;
    ensure!(found.is_nothing(), "after Redis was flushed and written again: {found:?}");

    // Consent given again shows what is flown from then on, and nothing of before.
    flight.set_online_tracking(true);
    let hidden = flight.len();
    for _ in 0..4 {
        fly(&stage, &mut flight).await?;
    }
    let shown = flight.len() - hidden;
    let again = until(&stage, &address, "shown again", |found| found.track_points > 0 && found.export_rows > 0).await?;
    ensure!(again.track_points <= shown && again.export_rows <= shown, "of {shown} positions: {again:?}");
    Ok(())
}
