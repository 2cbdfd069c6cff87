//! Clients that all use up their limit of subscription changes at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use prost::Message as _;
use schemas::v1::{self, client_message, server_message, subscribe::Region};

use crate::limits::{ALPS, Bystander, TIMEOUT};
use crate::raw::{Raw, frame};
use crate::stage::Stage;

const CLIENTS: u32 = 20;
/// As many changes as one client may make at once.
const CHANGES: u32 = 120;
/// Far fewer than the shard can send during the storm.
const UPDATES: u32 = 10;

/// A message that subscribes to another region than all others, so that its cover is not cached.
fn subscribe(number: u32) -> Vec<u8> {
    let seed = f64::from(number);
    let (latitude_deg, longitude_deg) = (seed * 37.0 % 178.0 - 89.0, seed * 73.0 % 360.0 - 180.0);
    let circle = v1::Circle { latitude_deg, longitude_deg, radius_km: 200.0 };
    let subscribe = v1::Subscribe { region: Some(Region::Circle(circle)), ..Default::default() };
    let message = Some(client_message::Message::Subscribe(subscribe));
    frame(0x82, &v1::ClientMessage { request_id: u64::from(number) + 1, message }.encode_to_vec())
}

#[tokio::test]
async fn a_storm_of_subscribes_delays_no_other_client() {
    let stage = Stage::open_with(&["--shards", "1"]).await;
    let mut bystander = Bystander::connect(&stage).await;
    let answered = Arc::new(AtomicU32::new(0));
    let mut storm = Vec::new();
    for client in 0..CLIENTS {
        let mut raw = Raw::open(&stage, ALPS, "").await;
        let messages: Vec<u8> = (0..CHANGES).flat_map(|change| subscribe(client * CHANGES + change)).collect();
        let answered = answered.clone();
        storm.push(async move {
            raw.send(&messages, usize::MAX).await;
            let mut own = 0;
            while own < CHANGES {
                let frame = raw.next().await.expect("the connection stays open");
                let message = v1::ServerMessage::decode(&frame.body[..]).ok().and_then(|message| message.message);
                let Some(server_message::Message::Snapshot(snapshot)) = message else { continue };
                own += u32::from(snapshot.live && snapshot.request_id > 0);
                answered.fetch_add(u32::from(snapshot.live && snapshot.request_id > 0), Ordering::Relaxed);
            }
        });
    }
    let storm = tokio::spawn(futures::future::join_all(storm));
    let mut updates = 0;
    while answered.load(Ordering::Relaxed) < CLIENTS * CHANGES && updates < UPDATES {
        bystander.assert_served(&stage).await;
        updates += 1;
    }
    assert_eq!(updates, UPDATES, "the storm ended before the other client had the updates");
    tokio::time::timeout(TIMEOUT * 3, storm).await.expect("every change is answered").expect("no panic");
    assert_eq!(answered.load(Ordering::Relaxed), CLIENTS * CHANGES);
    bystander.assert_served(&stage).await;
    bystander.stop();
    stage.close().await;
}

#[tokio::test]
async fn a_large_change_counts_as_several() {
    let stage = Stage::open_with(&["--max-subscribes-per-minute", "12"]).await;
    let states: Vec<_> = (0..6_000).map(|device| crate::limits::aircraft(device + 1, 1, 46.5, 8.0)).collect();
    stage.publish_all(&states).await;
    stage.until_pilots(6_000).await;
    let mut client = crate::limits::Client::connect(&stage, "kinds=ground", "updraft.v1.proto").await;
    client.until_live().await;
    let kinds = |kind: v1::ObjectKind| v1::Subscribe { kinds: vec![kind.into()], ..Default::default() };
    let circle = v1::Circle { latitude_deg: 46.5, longitude_deg: 8.0, radius_km: 50.0 };
    client.subscribe(1, v1::Subscribe { region: Some(Region::Circle(circle)), ..Default::default() }).await;
    client.until_live().await;
    let (mut accepted, mut code) = (0, String::new());
    for change in 0..12_u64 {
        let kind = if change % 2 == 0 { v1::ObjectKind::Aircraft } else { v1::ObjectKind::Ground };
        client.subscribe(change + 2, kinds(kind)).await;
        let error = tokio::time::timeout(Duration::from_secs(20), error(&mut client)).await.expect("an answer");
        match error {
            None => accepted += 1,
            Some(error) => code = error,
        }
    }
    assert_eq!(code, "too_many_subscribes");
    // Each change to aircraft has 24 pages and counts as some six changes.
    assert!((1..=5).contains(&accepted), "{accepted} were accepted");
    stage.close().await;
}

/// The code of an error; `None` for a snapshot.
async fn error(client: &mut crate::limits::Client) -> Option<String> {
    loop {
        match client.next().await {
            server_message::Message::Error(error) => return Some(error.code),
            server_message::Message::Snapshot(snapshot) if snapshot.live => return None,
            _ => {}
        }
    }
}
