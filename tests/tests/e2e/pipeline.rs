//! From the radio frame to the map, through real services and separate processes, seen by clients of another make:
//! mosquitto_pub publishes, Python's websockets looks at the map, Python's confluent-kafka reads the topics by the schemas of
//! the registry, redis-cli asks Redis. Each program is killed once on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::flight::Flight;
use crate::watcher::Watcher;
use harness::Stage;

const SOON: Duration = Duration::from_secs(30);
/// Where the captured frames were heard.
const REGION: &str = "lat=46.19&lon=13.65&radius=60";

#[tokio::test(flavor = "multi_thread")]
async fn frames_travel_from_the_radio_to_the_map_and_survive_a_kill_of_each_program() -> Result<()> {
    let stage = Stage::start("pipeline").await?;
    let map = Watcher::start(&stage.pusher, REGION, &[])?;
    let debug = Watcher::start(&stage.pusher, REGION, &["--json"])?;

    let mut flight = Flight::new(0x11_AA01, (46.20, 13.60));
    stage.publish_captured().await?;
    // For longer than it takes to learn the receivers' clocks: then the frames of an outage get times of their own.
    fly(&stage, &mut flight, 12).await?;
    see_flight(&map, &flight).await.context("on the map, as Protobuf")?;
    see_flight(&debug, &flight).await.context("on the map, as JSON")?;

    stage.bridge.service().kill().await?;
    fly(&stage, &mut flight, 3).await?;
    stage.bridge.service().start().await?;
    see_flight(&map, &flight).await.context("after a kill of the bridge")?;

    stage.processor.service().kill().await?;
    fly(&stage, &mut flight, 3).await?;
    stage.processor.service().start().await?;
    see_flight(&map, &flight).await.context("after a kill of the processor")?;

    // Captured frames again, later than the time in which they would be copies: what was heard twice has earned trust.
    stage.publish_captured().await?;
    stage.pusher.service().kill().await?;
    fly(&stage, &mut flight, 3).await?;
    stage.pusher.service().start().await?;
    let map = Watcher::start(&stage.pusher, REGION, &[])?;
    see_flight(&map, &flight).await.context("after a kill of the pusher")?;

    see_captured(&map).await?;
    see_redis(&stage, &flight).await?;
    see_rest(&stage, &flight).await?;
    see_topics(&stage, &flight)?;
    map.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_becomes_a_dead_letter_with_its_reason_and_the_rest_goes_on() -> Result<()> {
    let stage = Stage::start("poison").await?;
    let map = Watcher::start(&stage.pusher, REGION, &[])?;
    let mut flight = Flight::new(0x11_AA02, (46.20, 13.60));
    fly(&stage, &mut flight, 2).await?;
    stage.publish("fb/b/8896672/f/1", b"short").await?;
    stage.publish("fb/b/8896672/f/1", &[0xFF; 65_536]).await?;
    stage.publish("fb/b/8896672/f/not-a-type", &flight.payload(0)).await?;
    stage.publish("fb/b/8896672/f/1", &[0x55; 9]).await?;
    // Tracking, cut off in the middle of its position.
    stage.publish("fb/b/8896672/f/1", &flight.payload(0)[..16]).await?;
    fly(&stage, &mut flight, 2).await?;
    see_flight(&map, &flight).await?;

    let letters = stage.topic("fanet.dead-letter.v1")?;
    let mut reasons = BTreeMap::<String, usize>::new();
    for letter in &letters {
        *reasons.entry(letter.header("reason").to_owned()).or_default() += 1;
    }
    let expected = [("frame_too_short", 1), ("mqtt_too_long", 1), ("mqtt_too_short", 1), ("mqtt_topic", 1)];
    let expected = expected.into_iter().chain([("truncated_payload", 1)]);
    assert_eq!(reasons, expected.map(|(reason, count)| (reason.to_owned(), count)).collect());
    let counted = stage.bridge.metric("fanet_bridge_dead_lettered_total", &[]).await?;
    assert_eq!(counted, 3.0, "what the bridge itself could not use");
    map.end().await
}

/// One position a second, heard by two receivers.
async fn fly(stage: &Stage, flight: &mut Flight, positions: usize) -> Result<()> {
    for _ in 0..positions {
        let index = flight.advance().await;
        for receiver in ["8896672", "7048812"] {
            stage.publish(&format!("fb/b/{receiver}/f/1"), &flight.payload(index)).await?;
        }
    }
    Ok(())
}

/// The newest position is on the map with the values that went out on the radio.
async fn see_flight(map: &Watcher, flight: &Flight) -> Result<()> {
    let expected = flight.newest();
    let what = format!("{} at {:?}", flight.address(), expected);
    let seen = map.until(SOON, &what, |picture| {
        let aircraft = picture.aircraft.get(&flight.address())?;
        (aircraft.near(expected)).then(|| aircraft.clone())
    });
    let aircraft = seen.await?;
    assert_eq!(aircraft.altitude_m, Some(flight.altitude_m()));
    assert_eq!(aircraft.speed_dkmh, Some(360));
    assert_eq!(aircraft.kind(), "paraglider");
    Ok(())
}

/// What the captured frames tell of: a weather station, a thermal, and a pilot who landed well.
async fn see_captured(map: &Watcher) -> Result<()> {
    let station = map.until(SOON, "the station 067393", |picture| picture.stations.get("067393").cloned()).await?;
    assert_eq!(station["temperature_dc"], 230);
    assert_eq!(station["wind_speed_dkmh"], 28);
    assert_eq!(station["wind_from_deg"], 180);
    let ground = map.until(SOON, "110B90 on the ground", |picture| picture.ground.get("110B90").cloned()).await?;
    assert_eq!(ground["ground_kind"], "GROUND_KIND_LANDED_WELL");
    let thermal = map.until(SOON, "the thermal", |picture| picture.thermals.values().next().cloned()).await?;
    assert_eq!(thermal["mean_climb_cmps"], 80);
    Ok(())
}

async fn see_redis(stage: &Stage, flight: &Flight) -> Result<()> {
    let address = flight.address();
    let found = harness::wait_until(SOON, "the aircraft in Redis", async || {
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

async fn see_rest(stage: &Stage, flight: &Flight) -> Result<()> {
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

/// Every position that the broker took is in the log as exactly one observation, with a reception per receiver. A killed
/// processor's last seconds are emitted again: under the same ids, with the same content.
fn see_topics(stage: &Stage, flight: &Flight) -> Result<()> {
    let mut observations = BTreeMap::new();
    let mut latitudes = Vec::new();
    for record in stage.topic("fanet.observation.v1")? {
        let earlier = observations.insert(record.text("observation_id"), record.0["value"].clone());
        match earlier {
            Some(earlier) => assert_eq!(earlier, record.0["value"], "equal ids have equal content"),
            None if record.key() == flight.address() => latitudes.push(record.latitude_e6()),
            None => {}
        }
    }
    assert_eq!(latitudes, flight.latitudes_e6(), "each position once, in the order flown");
    let receptions = stage.topic("fanet.reception.v1")?;
    let of_flight = receptions.iter().filter(|record| record.is_tracking_near(flight.newest().1)).count();
    assert!(of_flight >= 2 * flight.len(), "{of_flight} receptions of {} frames by two receivers", flight.len());
    Ok(())
}
