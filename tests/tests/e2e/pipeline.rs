//! From the radio frame to the map, with real services and separate processes, tested with third-party clients:
//! mosquitto_pub publishes, Python's websockets is the map client, Python's confluent-kafka reads the topics with the
//! schemas of the registry, redis-cli queries Redis. Each program is killed once.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::flight::Flight;
use crate::watcher::Watcher;
use harness::Stage;

const TIMEOUT: Duration = Duration::from_secs(90);
/// The region of the captured frames.
const REGION: &str = "lat=46.19&lon=13.65&radius=60";

#[tokio::test(flavor = "multi_thread")]
async fn the_map_is_right_after_a_kill_of_each_program() -> Result<()> {
    let stage = Stage::start("pipeline").await?;
    let map = Watcher::start(&stage.pusher, REGION, &[])?;
    let debug = Watcher::start(&stage.pusher, REGION, &["--json"])?;

    let mut flight = Flight::new(0x11_AA01, (46.20, 13.60));
    stage.publish_captured().await?;
    // Long enough to estimate the receivers' clocks, so that frames of an outage get correct times.
    fly(&stage, &mut flight, 12).await?;
    wait_for_flight(&map, &flight).await.context("on the map, as Protobuf")?;
    wait_for_flight(&debug, &flight).await.context("on the map, as JSON")?;

    stage.bridge.service().kill().await?;
    fly(&stage, &mut flight, 3).await?;
    stage.bridge.service().start().await?;
    wait_for_flight(&map, &flight).await.context("after a kill of the bridge")?;

    stage.processor.service().kill().await?;
    fly(&stage, &mut flight, 3).await?;
    stage.processor.service().start().await?;
    wait_for_flight(&map, &flight).await.context("after a kill of the processor")?;

    // Publish the captured frames again, after the time for duplicates: devices that were received twice are shown.
    stage.publish_captured().await?;
    stage.pusher.service().kill().await?;
    fly(&stage, &mut flight, 3).await?;
    stage.pusher.service().start().await?;
    let map = Watcher::start(&stage.pusher, REGION, &[])?;
    wait_for_flight(&map, &flight).await.context("after a kill of the pusher")?;

    check_captured(&map).await?;
    check_redis(&stage, &flight).await?;
    check_rest(&stage, &flight).await?;
    check_topics(&stage, &flight)?;
    map.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn unusable_messages_become_dead_letters() -> Result<()> {
    let stage = Stage::start("poison").await?;
    let map = Watcher::start(&stage.pusher, REGION, &[])?;
    let mut flight = Flight::new(0x11_AA02, (46.20, 13.60));
    fly(&stage, &mut flight, 2).await?;
    stage.publish("fb/b/8896672/f/1", b"short").await?;
    stage.publish("fb/b/8896672/f/1", &[0xFF; 65_536]).await?;
    stage.publish("fb/b/8896672/f/not-a-type", &flight.payload(0)).await?;
    stage.publish("fb/b/8896672/f/1", &[0x55; 9]).await?;
    // A tracking frame, truncated in its position.
    stage.publish("fb/b/8896672/f/1", &flight.payload(0)[..16]).await?;
    fly(&stage, &mut flight, 2).await?;
    wait_for_flight(&map, &flight).await?;

    let dead_letters = stage.topic("fanet.dead-letter.v1")?;
    let mut reasons = BTreeMap::<String, usize>::new();
    for dead_letter in &dead_letters {
        *reasons.entry(dead_letter.header("reason").to_owned()).or_default() += 1;
    }
    let expected = [("frame_too_short", 1), ("mqtt_too_long", 1), ("mqtt_too_short", 1), ("mqtt_topic", 1)];
    let expected = expected.into_iter().chain([("truncated_payload", 1)]);
    assert_eq!(reasons, expected.map(|(reason, count)| (reason.to_owned(), count)).collect());
    let counted = stage.bridge.metric("fanet_bridge_dead_lettered_total", &[]).await?;
    assert_eq!(counted, 3.0, "the messages that the bridge refused");
    map.end().await
}

/// Publishes a position each second, received by two receivers.
async fn fly(stage: &Stage, flight: &mut Flight, positions: usize) -> Result<()> {
    for _ in 0..positions {
        let index = flight.advance().await;
        for receiver in ["8896672", "7048812"] {
            stage.publish(&format!("fb/b/{receiver}/f/1"), &flight.payload(index)).await?;
        }
    }
    Ok(())
}

/// Waits until the map has the newest position, and compares the values with the radio frame.
async fn wait_for_flight(map: &Watcher, flight: &Flight) -> Result<()> {
    let expected = flight.newest();
    let what = format!("{} at {:?}", flight.address(), expected);
    let seen = map.until(TIMEOUT, &what, |picture| {
        let aircraft = picture.aircraft.get(&flight.address())?;
        (aircraft.near(expected)).then(|| aircraft.clone())
    });
    let aircraft = seen.await?;
    assert_eq!(aircraft.altitude_m, Some(flight.altitude_m()));
    assert_eq!(aircraft.speed_dkmh, Some(360));
    assert_eq!(aircraft.kind(), "paraglider");
    Ok(())
}

/// Checks the objects of the captured frames: a weather station, a thermal, and a pilot who landed well.
async fn check_captured(map: &Watcher) -> Result<()> {
    let station = map.until(TIMEOUT, "the station 067393", |picture| picture.stations.get("067393").cloned()).await?;
    assert_eq!(station["temperature_dc"], 230);
    assert_eq!(station["wind_speed_dkmh"], 28);
    assert_eq!(station["wind_from_deg"], 180);
    let ground = map.until(TIMEOUT, "110B90 on the ground", |picture| picture.ground.get("110B90").cloned()).await?;
    assert_eq!(ground["ground_kind"], "GROUND_KIND_LANDED_WELL");
    let thermal = map.until(TIMEOUT, "the thermal", |picture| picture.thermals.values().next().cloned()).await?;
    assert_eq!(thermal["mean_climb_cmps"], 80);
    Ok(())
}

async fn check_redis(stage: &Stage, flight: &Flight) -> Result<()> {
    let address = flight.address();
    let found = harness::wait_until(TIMEOUT, "the aircraft in Redis", async || {
        let (latitude, longitude) = flight.newest();
        let (latitude, longitude) = (latitude.to_string(), longitude.to_string());
        let query = ["GEOSEARCH", "fanet:{aircraft}:geo", "FROMLONLAT", &longitude, &latitude, "BYRADIUS", "50", "m"];
        let members = stage.redis(&query).ok()?;
        members.lines().any(|member| member == address).then_some(())
    });
    found.await?;
    let hash = stage.redis(&["HGETALL", &format!("fanet:{{aircraft}}:{address}")])?;
    let fields: Vec<&str> = hash.lines().collect();
    let value = |name: &str| fields.chunks(2).find(|pair| pair[0] == name).map(|pair| pair[1].to_owned());
    assert_eq!(value("aircraft_kind").as_deref(), Some("paraglider"), "{hash}");
    assert!(value("version").is_some(), "{hash}");
    Ok(())
}

async fn check_rest(stage: &Stage, flight: &Flight) -> Result<()> {
    let (status, body) = stage.pusher.http(&format!("/api/v1/snapshot?{REGION}")).await?;
    anyhow::ensure!(status == 200, "{status}: {body}");
    let snapshot: serde_json::Value = serde_json::from_str(&body)?;
    let pilots = snapshot["pilots"].as_array().context("a list of pilots")?;
    let pilot = pilots.iter().find(|pilot| pilot["device"] == flight.address().as_str()).context("the pilot")?;
    assert_eq!(pilot["position"]["altitude_m"], f64::from(flight.altitude_m()));
    let (status, body) = stage.pusher.http("/api/v1/snapshot?latitude=46").await?;
    assert_eq!(status, 400);
    assert!(body.contains("\"latitude\"") || body.contains("latitude"), "{body}");
    Ok(())
}

/// Each position that the broker acknowledged is in the log as exactly one observation, with a reception per receiver.
/// The output of the last seconds before a kill of the processor is repeated with the same ids and content.
fn check_topics(stage: &Stage, flight: &Flight) -> Result<()> {
    let mut observations = BTreeMap::new();
    let mut latitudes = Vec::new();
    for record in stage.topic("fanet.observation.v1")? {
        let earlier = observations.insert(record.text("observation_id"), record.0["value"].clone());
        match earlier {
            Some(earlier) => assert_eq!(earlier, record.0["value"], "expected the same content for the same id"),
            None if record.key() == flight.address() => latitudes.push(record.latitude_e6()),
            None => {}
        }
    }
    assert_eq!(latitudes, flight.latitudes_e6(), "expected each position once, in order");
    let receptions = stage.topic("fanet.reception.v1")?;
    let of_flight = receptions.iter().filter(|record| record.is_tracking_near(flight.newest().1)).count();
    assert!(of_flight >= 2 * flight.len(), "{of_flight} receptions of {} frames by two receivers", flight.len());
    Ok(())
}
