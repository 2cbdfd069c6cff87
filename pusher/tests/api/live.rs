//! The pusher over the embedded log, seen by clients with an independent WebSocket library.

use std::time::Duration;

use crate::stage::{Client, Stage, aircraft};
use futures::{SinkExt as _, StreamExt as _};
use schemas::catalogue::topic;
use schemas::v1::{self, server_message::Message};
use tokio_tungstenite::tungstenite;

const ALPS: &str = "lat=46.5&lon=8&radius=50";

#[tokio::test]
async fn a_client_gets_welcome_snapshot_and_what_changes() {
    let stage = Stage::open().await;
    stage.publish_aircraft(&aircraft(0x11_0B90, 1, 46.5, 8.0)).await;
    stage.until_pilots(1).await;
    let mut client = Client::connect(&stage, ALPS, "updraft.v1.proto").await;

    let Message::Welcome(welcome) = client.next().await else { panic!("no welcome") };
    assert_eq!((welcome.heartbeat_interval_s, welcome.limits.map(|limits| limits.max_cells)), (30, Some(64)));
    let Message::Snapshot(snapshot) = client.next().await else { panic!("no snapshot") };
    assert!(snapshot.live && snapshot.page == 0 && !snapshot.cells.is_empty());
    let [update] = &snapshot.objects.expect("an aircraft").aircraft[..] else { panic!("one aircraft") };
    assert_eq!((update.device, update.latitude_e7, update.name.as_deref()), (0x11_0B90, 465_000_000, Some("Ada")));

    stage.publish_aircraft(&aircraft(0x11_0B90, 2, 46.51, 8.0)).await;
    let batch = client.next_updates().await;
    let [update] = &batch.objects.expect("it moved").aircraft[..] else { panic!("one aircraft") };
    assert_eq!((update.version, update.latitude_e7, update.name.as_deref()), (2, 465_100_000, None));

    stage.remove_aircraft(0x11_0B90, 3).await;
    let batch = client.next_updates().await;
    assert_eq!(batch.removals[0].id, Some(v1::removal::Id::Device(0x11_0B90)));
    assert_eq!((batch.removals[0].version, batch.objects), (3, None));
    stage.close().await;
}

#[tokio::test]
async fn outside_of_the_region_only_followed_are_sent() {
    let stage = Stage::open().await;
    let mut client = Client::connect(&stage, ALPS, "updraft.v1.proto").await;
    client.until_live().await;
    client.subscribe(7, v1::Subscribe { follow_devices: vec![2], ..Default::default() }).await;
    let Message::Snapshot(answer) = client.next().await else { panic!("no answer") };
    assert_eq!((answer.request_id, answer.objects), (7, None));

    stage.publish_aircraft(&aircraft(1, 1, -33.9, 151.2)).await;
    stage.publish_aircraft(&aircraft(2, 1, -33.9, 151.2)).await;
    let batch = client.next_updates().await;
    let devices: Vec<_> =
        batch.objects.expect("a followed device").aircraft.iter().map(|update| update.device).collect();
    assert_eq!(devices, [2]);
    stage.close().await;
}

#[tokio::test]
async fn the_json_subprotocol_is_text() {
    let stage = Stage::open().await;
    stage.publish_aircraft(&aircraft(0x11_0B90, 1, 46.5, 8.0)).await;
    stage.until_pilots(1).await;
    let mut client = Client::connect(&stage, ALPS, "updraft.v1.json").await;
    client.until_live().await;
    client.send_text(r#"{"request_id": 9, "ping": {}}"#).await;
    let Message::Pong(pong) = client.next().await else { panic!("no pong") };
    assert_eq!(pong.request_id, 9);
    client.send_text("not json").await;
    assert_eq!(client.close_code().await, 4002);
    stage.close().await;
}

#[tokio::test]
async fn a_resume_sends_the_changes_and_the_present() {
    let stage = Stage::open().await;
    for device in [1, 2, 3] {
        stage.publish_aircraft(&aircraft(device, 1, 46.5, 8.0)).await;
    }
    stage.until_pilots(3).await;
    let picture: serde_json::Value = stage.get(&format!("/api/v1/snapshot?{ALPS}")).await.json().await.unwrap();
    assert_eq!(picture["pilots"].as_array().map(Vec::len), Some(3));
    let resume = picture["resume"].as_str().expect("a token").to_owned();

    stage.publish_aircraft(&aircraft(2, 2, 46.6, 8.0)).await;
    stage.remove_aircraft(3, 2).await;
    stage.until_pilots(2).await;
    let mut client = Client::connect(&stage, &format!("{ALPS}&resume={resume}"), "updraft.v1.proto").await;
    let Message::Welcome(_) = client.next().await else { panic!("no welcome") };
    let Message::Snapshot(snapshot) = client.next().await else { panic!("no snapshot") };
    assert_eq!(snapshot.resumed, Some(true));
    let devices: Vec<_> = snapshot.objects.unwrap_or_default().aircraft.iter().map(|update| update.device).collect();
    assert_eq!(devices, [2], "only the changes since the token");
    let Message::Present(mut present) = client.next().await else { panic!("no present") };
    present.aircraft_devices.sort_unstable();
    assert_eq!(present.aircraft_devices, [1, 2]);
    stage.close().await;
}

#[tokio::test]
async fn a_token_of_another_region_is_invalid() {
    let stage = Stage::open().await;
    stage.publish_aircraft(&aircraft(1, 1, 46.5, 8.0)).await;
    stage.until_pilots(1).await;
    let token = async |query: &str| -> String {
        let picture: serde_json::Value = stage.get(&format!("/api/v1/snapshot?{query}")).await.json().await.unwrap();
        picture["resume"].as_str().unwrap_or_default().to_owned()
    };
    let mut elsewhere = Client::connect(&stage, "lat=-30&lon=20&radius=50", "updraft.v1.proto").await;
    let of_checkpoint = loop {
        if let Message::Checkpoint(checkpoint) = elsewhere.next().await {
            break checkpoint.resume;
        }
    };
    assert_eq!(token(&format!("{ALPS}&max_age_s=60")).await, "", "a WebSocket would never send the older objects");
    let cases = [
        (of_checkpoint, false),
        (token("lat=-30&lon=20&radius=50").await, false),
        (token(&format!("{ALPS}&kinds=ground")).await, false),
        (token("kinds=ground").await, false),
        (token(ALPS).await, true),
        // A token of the complete world is valid for every region.
        (token("").await, true),
    ];
    for (token, resumed) in cases {
        let mut client = Client::connect(&stage, &format!("{ALPS}&resume={token}"), "updraft.v1.proto").await;
        let snapshot = client.until_live().await;
        let count = snapshot.objects.map_or(0, |objects| objects.aircraft.len());
        assert_eq!((snapshot.resumed, count), (Some(resumed), usize::from(!resumed)), "{token}");
    }
    stage.close().await;
}

#[tokio::test]
async fn a_token_is_valid_on_another_instance() {
    let (one, two) = {
        let one = Stage::open().await;
        let two = Stage::start(one.log.clone(), &[]).await;
        two.until_ready().await;
        (one, two)
    };
    for device in [1, 2] {
        one.publish_aircraft(&aircraft(device, 1, 46.5, 8.0)).await;
    }
    one.until_pilots(2).await;
    let picture: serde_json::Value = one.get(&format!("/api/v1/snapshot?{ALPS}")).await.json().await.unwrap();
    let resume = picture["resume"].as_str().expect("a token").to_owned();
    one.close().await;
    two.publish_aircraft(&aircraft(2, 2, 46.6, 8.0)).await;
    let mut client = Client::connect(&two, &format!("{ALPS}&resume={resume}"), "updraft.v1.proto").await;
    let (mut aircraft, mut present) = (Vec::new(), None);
    while present.is_none() || aircraft.is_empty() {
        match client.next().await {
            Message::Snapshot(snapshot) => {
                assert_eq!(snapshot.resumed, Some(true));
                aircraft.extend(snapshot.objects.unwrap_or_default().aircraft);
            }
            Message::Updates(batch) => aircraft.extend(batch.objects.unwrap_or_default().aircraft),
            Message::Present(names) => present = Some(names.aircraft_devices.len()),
            _ => {}
        }
    }
    assert!(aircraft.iter().all(|update| (update.device, update.version) == (2, 2)), "{aircraft:?}");
    assert_eq!(present, Some(2));
    two.close().await;
}

#[tokio::test]
async fn every_kind_is_sent_without_hidden_devices() {
    let stage = Stage::open().await;
    let position = Some(v1::Position { latitude_deg: 46.5, longitude_deg: 8.0, altitude_m: None });
    let hidden = v1::private_state::State::Aircraft(aircraft(0xAA_0001, 1, 46.5, 8.0));
    stage.publish_value(topic::PRIVATE_STATE, "AA0001", &v1::PrivateState { state: Some(hidden) }).await;
    let thermal = v1::ThermalState { thermal_id: 7, version: 1, position, ..Default::default() };
    stage.publish_value(topic::THERMAL, "0-7", &thermal).await;
    let station = v1::StationState { device: 3, version: 1, position, wind_gust_kmh: Some(21.4), ..Default::default() };
    stage.publish_value(topic::STATION, "000003", &station).await;
    let receiver = v1::ReceiverState { receiver_id: "roof".into(), version: 1, position, ..Default::default() };
    stage.publish_value(topic::RECEIVER, "roof", &receiver).await;
    let alert = v1::AlertState { alert_id: 9, device: 4, version: 1, position, ..Default::default() };
    stage.publish_value(topic::ALERT, "000004", &alert).await;
    let ground = v1::GroundState { device: 4, version: 1, position, ..Default::default() };
    stage.publish_value(topic::GROUND, "000004", &ground).await;

    let mut client = Client::connect(&stage, ALPS, "updraft.v1.json").await;
    let mut known = v1::Objects::default();
    while [known.thermals.len(), known.stations.len(), known.receivers.len(), known.alerts.len(), known.ground.len()]
        .contains(&0)
    {
        let objects = match client.next().await {
            Message::Snapshot(snapshot) => snapshot.objects.unwrap_or_default(),
            Message::Updates(batch) => batch.objects.unwrap_or_default(),
            _ => continue,
        };
        assert_eq!(objects.aircraft, [], "the hidden device is not sent");
        known.thermals.extend(objects.thermals);
        known.stations.extend(objects.stations);
        known.receivers.extend(objects.receivers);
        known.alerts.extend(objects.alerts);
        known.ground.extend(objects.ground);
    }
    assert_eq!((known.stations[0].wind_gust_dkmh, known.receivers[0].receiver_id.as_str()), (Some(214), "roof"));
    assert_eq!((known.thermals[0].thermal_id, known.alerts[0].alert_id), (7, 9));
    assert_eq!(stage.get("/api/v1/devices/AA0001").await.status(), 404);
    let picture: serde_json::Value = stage.get("/api/v1/snapshot").await.json().await.unwrap();
    assert_eq!(picture["pilots"], serde_json::json!([]));
    stage.close().await;
}

#[tokio::test]
async fn an_invalid_token_gets_a_complete_snapshot() {
    let stage = Stage::open().await;
    stage.publish_aircraft(&aircraft(1, 1, 46.5, 8.0)).await;
    stage.until_pilots(1).await;
    let mut client = Client::connect(&stage, &format!("{ALPS}&resume=AAAA"), "updraft.v1.proto").await;
    let snapshot = client.until_live().await;
    assert_eq!((snapshot.resumed, snapshot.objects.map(|objects| objects.aircraft.len())), (Some(false), Some(1)));
    loop {
        if let Message::Checkpoint(checkpoint) = client.next().await {
            assert!(checkpoint.resume.len() > 10);
            break;
        }
    }
    stage.close().await;
}

#[tokio::test]
async fn a_stop_closes_with_going_away() {
    let stage = Stage::open().await;
    let mut client = Client::connect(&stage, ALPS, "updraft.v1.proto").await;
    client.until_live().await;
    let stopped = stage.close();
    let (code, ()) = tokio::join!(client.close_code(), stopped);
    assert_eq!(code, 1001);
}

#[tokio::test]
async fn invalid_messages_close_with_their_codes() {
    let stage = Stage::open().await;
    let mut client = Client::connect(&stage, ALPS, "updraft.v1.proto").await;
    client.send_text("{}").await;
    assert_eq!(client.close_code().await, 1003);
    let mut client = Client::connect(&stage, ALPS, "updraft.v1.proto").await;
    client.socket.send(tungstenite::Message::binary(vec![0; 5000])).await.unwrap();
    assert_eq!(client.close_code().await, 1009);
    let mut client = Client::connect(&stage, ALPS, "updraft.v1.proto").await;
    client.socket.send(tungstenite::Message::Ping("hi".into())).await.unwrap();
    // The server may omit the pong where a close arrives together with the ping (RFC 6455, section 5.5.2).
    while client.socket.next().await.expect("open").expect("a frame") != tungstenite::Message::Pong("hi".into()) {}
    client.socket.close(None).await.unwrap();
    let mut last = None;
    while let Some(Ok(message)) = client.socket.next().await {
        last = Some(message);
    }
    assert!(matches!(last, Some(tungstenite::Message::Close(_))), "the close is answered");
    stage.close().await;
}

#[tokio::test]
async fn a_slow_client_gets_the_newest_state_only() {
    let stage = Stage::open_with(&["--tick", "1ms"]).await;
    let mut client = Client::connect_narrow(&stage, ALPS).await;
    client.until_live().await;
    // Many ticks with far more data than the socket buffers hold, while the client does not read.
    let mut version = 0;
    while stage.metric("fanet_pusher_frames_missed_total") < 50.0 {
        version += 1;
        let states: Vec<_> = (1..=100).map(|device| aircraft(device, version, 46.5, 8.0)).collect();
        stage.publish_all(&states).await;
    }
    stage.until_version(100, version).await;
    let mut newest = vec![0; 101];
    let mut received = 0_usize;
    while newest[1..].iter().any(|known| *known < version) {
        let objects = client.next_updates().await.objects.unwrap_or_default();
        received += objects.aircraft.len();
        for update in objects.aircraft {
            assert!(update.version >= newest[update.device as usize], "no old state after a newer one");
            newest[update.device as usize] = update.version;
        }
    }
    let published = usize::try_from(version).unwrap() * 100;
    assert!(received < published, "{received} of {published} states were received");
    stage.close().await;
}

#[tokio::test]
async fn clients_are_notified_of_a_stale_log() {
    let stage = Stage::open_with(&["--stale-after", "1s"]).await;
    let mut client = Client::connect(&stage, ALPS, "updraft.v1.proto").await;
    client.until_live().await;
    assert_eq!(client.next_updates().await.stale, Some(true));
    let mut late = Client::connect(&stage, ALPS, "updraft.v1.proto").await;
    assert_eq!(late.next_updates().await.stale, Some(true), "also after a later connect");
    stage.publish_aircraft(&aircraft(1, 1, 46.5, 8.0)).await;
    let (mut fresh, mut updated) = (false, false);
    while !(fresh && updated) {
        let batch = client.next_updates().await;
        fresh |= batch.stale == Some(false);
        updated |= batch.objects.is_some();
    }
    stage.close().await;
}

#[tokio::test]
async fn invalid_bytes_end_only_their_connection() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let stage = Stage::open().await;
    let mut good = Client::connect(&stage, ALPS, "updraft.v1.proto").await;
    good.until_live().await;
    let handshake = format!(
        "GET /ws/v1/updates?{ALPS} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let invalid: [&[u8]; 3] =
        [&[0x82, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], &[0xFF; 4096], b"GET / HTTP/1.1\r\n\r\n"];
    for bytes in invalid {
        let mut socket = tokio::net::TcpStream::connect(stage.address).await.unwrap();
        // In one write, so that the bytes reach the shard together with the handshake.
        socket.write_all(&[handshake.as_bytes(), bytes].concat()).await.unwrap();
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut rest))
            .await
            .expect("the server closes in time");
        assert!(rest.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&rest));
    }
    stage.publish_aircraft(&aircraft(1, 1, 46.5, 8.0)).await;
    assert!(good.next_updates().await.objects.is_some());
    stage.close().await;
}
