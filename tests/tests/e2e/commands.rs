//! A pilot hides, shows and erases a device, and a rescuer handles its alert, in the real services: what is left in each store
//! and topic, what two maps see, and what the audit trail has.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Program, ProgramOptions, Record, Stack, Stage, unique_prefix, wait_until};
use serde_json::Value;

use crate::flight::Flight;
use crate::privacy::{Found, fly, until};
use crate::track::migrate;
use crate::watcher::Watcher;

const TIMEOUT: Duration = Duration::from_secs(60);
const REGION: &str = "lat=46.19&lon=13.65&radius=60";
const POSITIONS: usize = 6;
const RECEIVER_TOPIC: &str = "fb/b/8896672/f/1";

/// An API key, as an operator makes it, and its lines for the file.
async fn new_key(role: &str, device: Option<&str>) -> Result<(String, String)> {
    let arguments =
        ["keys", "new", "--scope", role].into_iter().chain(device.into_iter().flat_map(|of| ["--device", of]));
    let printed = ProgramOptions::new("pusher").args(arguments).start_within(TIMEOUT).run().await?;
    let key = printed.lines().find(|line| line.starts_with("updraft_")).context("a key")?.to_owned();
    let entry = printed.find("[[key]]").map(|at| printed[at..].to_owned()).context("its lines")?;
    Ok((key, entry))
}

async fn ask(stage: &Stage, key: &str, method: &str, path: &str) -> Result<(u16, Value)> {
    let request = reqwest::Client::new().request(method.parse()?, format!("{}{path}", stage.pusher.http_url()));
    let answer = request.bearer_auth(key).send().await?;
    let status = answer.status().as_u16();
    let text = answer.text().await?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

/// The newest record of a key.
fn newest(records: &[Record], key: &str) -> Option<Value> {
    records.iter().rev().find(|record| record.key() == key).map(|record| record.0["value"].clone())
}

/// What the alert of a device is called on a map: with Protobuf or as JSON.
async fn until_status(map: &Watcher, address: &str, status: &str) -> Result<()> {
    let look = |picture: &crate::watcher::Picture| {
        let shown = picture.alerts.get(address)?["status"].as_str()?.to_lowercase();
        shown.ends_with(status).then_some(())
    };
    map.until(TIMEOUT, status, look).await
}

#[tokio::test(flavor = "multi_thread")]
async fn people_command_their_devices_and_alerts() -> Result<()> {
    let mut flight = Flight::new(0x11_AA09, (46.20, 13.60));
    let address = flight.address();
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("api-keys.toml");
    let (pilot, of_pilot) = new_key("pilot", Some(&address)).await?;
    let (rescue, of_rescue) = new_key("rescue", None).await?;
    let (operator, of_operator) = new_key("operator", None).await?;
    std::fs::write(&file, of_pilot + &of_rescue + &of_operator)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&file, mode)?;

    let engine = Stack::shared().clickhouse().await?.url();
    let database = unique_prefix("commands").replace(['-', '.'], "_");
    let settings = [
        ("UPDRAFT_CLICKHOUSE_URL".to_owned(), format!("{engine}/{database}")),
        ("UPDRAFT_PUSHER_API_KEYS".to_owned(), file.display().to_string()),
    ];
    let stage = Stage::start_with("commands", settings).await?;
    migrate(&stage)?;
    let historian = Program::start(ProgramOptions::new("processor").args(["historian"]).envs(stage.settings())).await?;
    for _ in 0..POSITIONS {
        fly(&stage, &mut flight).await?;
    }
    let recorded = until(&stage, &address, "the flight on every path", |found| found.track_points == POSITIONS);
    recorded.await.with_context(|| historian.service().log_tail(20))?;

    // Hide and show.
    let hide = format!("/api/v1/devices/{address}/hide");
    let (status, receipt) = ask(&stage, &pilot, "POST", &hide).await?;
    ensure!(status == 202 && receipt["record_id"].is_string(), "{status} {receipt}");
    until(&stage, &address, "hidden on every path", Found::is_nothing).await?;
    let (status, _) = ask(&stage, &pilot, "POST", "/api/v1/devices/11AA0A/hide").await?;
    ensure!(status == 403, "of another pilot: {status}");
    let (status, receipt) = ask(&stage, &pilot, "POST", &format!("/api/v1/devices/{address}/show")).await?;
    ensure!(status == 202, "{status} {receipt}");
    for _ in 0..4 {
        fly(&stage, &mut flight).await?;
    }
    until(&stage, &address, "shown again", |found| found.track_points > 0).await?;

    // An alert, seen by two clients of different forms.
    let maps = [Watcher::start(&stage.pusher, REGION, &[])?, Watcher::start(&stage.pusher, REGION, &["--json"])?];
    flight.advance().await;
    stage.publish(RECEIVER_TOPIC, &flight.distress_payload()).await?;
    for map in &maps {
        until_status(map, &address, "open").await?;
    }
    let alerts: Value = serde_json::from_str(&stage.pusher.http("/api/v1/alerts").await?.1)?;
    let id = alerts["alerts"][0]["alert_id"].as_str().context("an alert")?.to_owned();
    let (status, answer) = ask(&stage, &pilot, "POST", &format!("/api/v1/alerts/{id}/acknowledge")).await?;
    ensure!(status == 403, "a pilot handles no alerts: {status} {answer}");
    let (status, answer) = ask(&stage, &rescue, "POST", &format!("/api/v1/alerts/{id}/acknowledge")).await?;
    ensure!(status == 202, "{status} {answer}");
    for map in &maps {
        until_status(map, &address, "acknowledged").await?;
    }
    let (status, answer) = ask(&stage, &rescue, "POST", &format!("/api/v1/alerts/{id}/acknowledge")).await?;
    ensure!(status == 200 && rescue.contains(answer["alert"]["acknowledged_by"].as_str().unwrap_or("?")), "{answer}");
    let history = format!("/api/v1/devices/{address}/history");
    let (status, answer) = ask(&stage, &pilot, "DELETE", &history).await?;
    ensure!(status == 409 && answer["code"] == "alert_open", "{status} {answer}");
    let (status, answer) = ask(&stage, &rescue, "POST", &format!("/api/v1/alerts/{id}/resolve")).await?;
    ensure!(status == 202, "{status} {answer}");
    for map in &maps {
        until_status(map, &address, "resolved").await?;
    }
    let (status, answer) = ask(&stage, &rescue, "POST", &format!("/api/v1/alerts/{id}/acknowledge")).await?;
    ensure!(status == 409 && answer["code"] == "alert_resolved", "{status} {answer}");

    // Everything, then nothing.
    let data = format!("/api/v1/devices/{address}/data");
    // One request for all tables: looks at private data are limited.
    let rows = async || -> Option<String> {
        let (status, body) = ask(&stage, &operator, "GET", &data).await.ok()?;
        (status == 200).then(|| body.as_str().map(str::to_owned)).flatten()
    };
    let count = |text: &str, table: &str| text.matches(&format!("\"table\":\"{table}\"")).count();
    let all = async || {
        let text = rows().await?;
        (count(&text, "positions") >= POSITIONS + 4 && count(&text, "alerts") >= 3).then_some(())
    };
    wait_until(TIMEOUT, "all rows of the device", all).await?;
    let (status, receipt) = ask(&stage, &pilot, "DELETE", &history).await?;
    ensure!(status == 202, "{status} {receipt}");
    let copies = receipt["retained"].as_array().context("what is kept")?;
    ensure!(copies.iter().any(|copy| copy["place"] == "fanet.raw.v1" && copy["days"] == 7), "{receipt}");
    until(&stage, &address, "erased on every path", Found::is_nothing).await?;
    let tables = ["positions", "ground_positions", "names", "confirmations", "alerts", "flights", "receptions"];
    let nothing = async || {
        let text = rows().await?;
        tables.iter().all(|table| count(&text, table) == 0).then_some(())
    };
    // Rows of other topics that came later are deleted by the next maintenance, about a minute later.
    wait_until(2 * TIMEOUT, "no row of the device in the history", nothing).await?;
    let score = stage.redis(&["HEXISTS", &format!("fanet:{{validation}}:{address}"), "score"])?;
    ensure!(score.trim() == "0", "its score in Redis");
    for topic in ["fanet.state.aircraft.v1", "fanet.state.ground.v1", "fanet.alert.v1"] {
        let state = newest(&stage.topic(topic)?, &address);
        ensure!(state.as_ref().is_none_or(Value::is_null), "{topic}: {state:?}");
    }
    let privacy = newest(&stage.topic("fanet.private.privacy.v1")?, &address).context("its privacy")?;
    ensure!(privacy["hidden"] == true, "{privacy}");

    // The audit trail has each of them, by topic and by REST.
    let records = stage.topic("fanet.audit.v1")?;
    let has = |action: &str, outcome: &str, key: &str| {
        let of = |record: &&Record| {
            let outcome_of = record.text("outcome").to_lowercase();
            record.text("action") == action && outcome_of.ends_with(outcome) && key.contains(&record.text("user_id"))
        };
        records.iter().filter(of).count()
    };
    for (action, outcome, key, count) in [
        ("device.hide", "accepted", &pilot, 1),
        ("device.hide", "refused", &pilot, 1),
        ("device.show", "accepted", &pilot, 1),
        ("device.erase", "accepted", &pilot, 1),
        ("alert.acknowledge", "accepted", &rescue, 1),
        ("alert.resolve", "accepted", &rescue, 1),
    ] {
        ensure!(
            has(action, outcome, key) == count,
            "{action} {outcome}: {:?}",
            records.iter().map(|one| &one.0).collect::<Vec<_>>()
        );
    }
    ensure!(has("device.export", "accepted", &operator) > 0, "each look at the data");
    let (status, list) = ask(&stage, &operator, "GET", &format!("/api/v1/audit?device={address}&limit=1000")).await?;
    let found = list["records"].as_array().map_or(0, |records| {
        records
            .iter()
            .filter(|record| record["action"] == "device.erase" || record["action"] == "alert.resolve")
            .count()
    });
    ensure!(status == 200 && found == 2, "{status} {list}");
    Ok(())
}
