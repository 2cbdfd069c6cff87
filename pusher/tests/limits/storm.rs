//! Clients that use up what they may ask for, all at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use prost::Message as _;
use schemas::v1::{self, client_message, server_message, subscribe::Region};

use crate::raw::{Raw, frame};
use crate::stage::Stage;
use crate::{ALPS, Bystander, PATIENCE};

const CLIENTS: u32 = 20;
/// As many changes as one client may make at once.
const CHANGES: u32 = 120;
/// Far fewer than there are times to look at the picture during the storm.
const UPDATES: u32 = 20;

/// A message that looks at another place than all others, so that its cover is not known.
fn look(number: u32) -> Vec<u8> {
    let place = f64::from(number);
    let (latitude_deg, longitude_deg) = (place * 37.0 % 178.0 - 89.0, place * 73.0 % 360.0 - 180.0);
    let circle = v1::Circle { latitude_deg, longitude_deg, radius_km: 200.0 };
    let subscribe = v1::Subscribe { region: Some(Region::Circle(circle)), ..Default::default() };
    let message = Some(client_message::Message::Subscribe(subscribe));
    frame(0x82, &v1::ClientMessage { request_id: u64::from(number) + 1, message }.encode_to_vec())
}

#[tokio::test]
async fn a_storm_of_subscribes_delays_nobody() {
    let stage = Stage::open_with(&["--shards", "1"]).await;
    let mut bystander = Bystander::sit(&stage).await;
    let answered = Arc::new(AtomicU32::new(0));
    let mut storm = Vec::new();
    for client in 0..CLIENTS {
        let mut raw = Raw::open(&stage, ALPS, "").await;
        let wishes: Vec<u8> = (0..CHANGES).flat_map(|change| look(client * CHANGES + change)).collect();
        let answered = answered.clone();
        storm.push(async move {
            raw.send(&wishes, usize::MAX).await;
            let mut own = 0;
            while own < CHANGES {
                let heard = raw.next().await.expect("the connection stays");
                let message = v1::ServerMessage::decode(&heard.body[..]).ok().and_then(|message| message.message);
                let Some(server_message::Message::Snapshot(snapshot)) = message else { continue };
                own += u32::from(snapshot.live && snapshot.request_id > 0);
                answered.fetch_add(u32::from(snapshot.live && snapshot.request_id > 0), Ordering::Relaxed);
            }
        });
    }
    let storm = tokio::spawn(futures::future::join_all(storm));
    let mut updates = 0;
    while answered.load(Ordering::Relaxed) < CLIENTS * CHANGES && updates < UPDATES {
        bystander.is_served(&stage).await;
        updates += 1;
    }
    assert_eq!(updates, UPDATES, "the storm was over before the others were sent what happened");
    tokio::time::timeout(PATIENCE * 3, storm).await.expect("every change is answered").expect("no panic");
    assert_eq!(answered.load(Ordering::Relaxed), CLIENTS * CHANGES);
    bystander.is_served(&stage).await;
    bystander.leave();
    stage.close().await;
}

#[tokio::test]
async fn changes_that_load_much_count_as_several() {
    let stage = Stage::open_with(&["--max-subscribes-per-minute", "12"]).await;
    let states: Vec<_> = (0..6_000).map(|device| crate::aircraft(device + 1, 1, 46.5, 8.0)).collect();
    stage.publish_all(&states).await;
    stage.sees_pilots(6_000).await;
    let mut client = crate::Client::connect(&stage, "kinds=ground", "updraft.v1.proto").await;
    client.until_live().await;
    let kinds = |kind: v1::ObjectKind| v1::Subscribe { kinds: vec![kind.into()], ..Default::default() };
    let circle = v1::Circle { latitude_deg: 46.5, longitude_deg: 8.0, radius_km: 50.0 };
    client.subscribe(1, v1::Subscribe { region: Some(Region::Circle(circle)), ..Default::default() }).await;
    client.until_live().await;
    let (mut granted, mut code) = (0, String::new());
    for change in 0..12_u64 {
        let kind = if change % 2 == 0 { v1::ObjectKind::Aircraft } else { v1::ObjectKind::Ground };
        client.subscribe(change + 2, kinds(kind)).await;
        let told = tokio::time::timeout(Duration::from_secs(20), answer(&mut client)).await.expect("an answer");
        match told {
            None => granted += 1,
            Some(refused) => code = refused,
        }
    }
    assert_eq!(code, "too_many_subscribes");
    // Each of the large ones is 24 pages, some six changes.
    assert!((1..=5).contains(&granted), "{granted} were granted");
    stage.close().await;
}

/// The code of a refusal; `None` for a snapshot.
async fn answer(client: &mut crate::Client) -> Option<String> {
    loop {
        match client.next().await {
            server_message::Message::Error(error) => return Some(error.code),
            server_message::Message::Snapshot(snapshot) if snapshot.live => return None,
            _ => {}
        }
    }
}
