//! After any sequence of events, every client has exactly the objects that its subscription sees, as in a simple model.

mod fleets;
mod model;
mod world;
mod zone_events;

use std::collections::BTreeMap;

use proptest::prelude::*;
use schemas::v1::client_message;

use super::*;
use crate::view::{Input, Kind, State};
use world::{CLIENTS, EPOCH, Instance, Step, World, alps, step};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_client_has_what_its_subscription_sees(
        steps in prop::collection::vec(step(), 1..160)
    ) {
        let mut world = World::new();
        for step in steps {
            world.run(step);
        }
        world.deliver_all();
    }
}

#[test]
fn a_token_of_another_epoch_is_refused() {
    let mut world = World::new();
    world.run(Step::Move { device: 1, ground: false, lat: 46.0, lon: 7.5 });
    world.run(Step::Read { instance: 0, records: 1 });
    world.connect(0, alps(), Some(Offsets::new(1).token("another", alps().mark())));
    world.tick(1);
    assert_eq!(world.clients[CLIENTS].model.resumed, Some(false));
    assert_eq!(world.clients[CLIENTS].model.objects.len(), 1);
}

#[test]
fn a_token_of_another_region_is_refused() {
    let mut world = World::new();
    world.run(Step::Move { device: 1, ground: false, lat: 46.0, lon: 7.5 });
    world.run(Step::Read { instance: 0, records: 1 });
    let mut read = Offsets::new(1);
    read.advance(Origin { partition: 0, offset: 0 });
    let fewer_kinds = alps().with_kinds([Kind::Aircraft].into_iter().collect());
    for given_for in [Subscription::empty(), fewer_kinds] {
        world.connect(0, alps(), Some(read.token(EPOCH, given_for.mark())));
        world.tick(1);
        let model = &world.clients.last().expect("connected").model;
        assert_eq!((model.resumed, model.objects.len()), (Some(false), 1));
    }
    world.connect(0, alps(), Some(read.token(EPOCH, alps().with_follow(vec![7]).mark())));
    world.tick(1);
    assert_eq!(world.clients.last().expect("connected").model.resumed, Some(true), "followed devices do not count");
}

#[test]
fn a_resume_waits_for_a_view_that_is_behind_its_token() {
    let mut world = World::new();
    let mut ahead = Offsets::new(1);
    ahead.advance(Origin { partition: 0, offset: 0 });
    world.connect(0, alps(), Some(ahead.token(EPOCH, alps().mark())));
    world.tick(100);
    assert_eq!(world.clients[CLIENTS].model.resumed, None, "it waits");
    world.run(Step::Move { device: 1, ground: false, lat: 46.0, lon: 7.5 });
    world.run(Step::Read { instance: 0, records: 1 });
    world.tick(100);
    assert_eq!(world.clients[CLIENTS].model.resumed, Some(true));
}

#[test]
fn a_resume_is_refused_when_the_view_stays_behind() {
    let mut world = World::new();
    let mut ahead = Offsets::new(1);
    ahead.advance(Origin { partition: 0, offset: 0 });
    world.connect(0, alps(), Some(ahead.token(EPOCH, alps().mark())));
    world.tick(1_999);
    assert_eq!(world.clients[CLIENTS].model.resumed, None, "it waits");
    world.tick(1);
    assert_eq!(world.clients[CLIENTS].model.resumed, Some(false));
}

#[test]
fn a_client_that_reads_nothing_for_30_s_is_closed() {
    let mut world = World::new();
    let (id, mut now) = (world.clients[0].id, world.now);
    let Instance { view, dispatcher, .. } = &mut world.instances[0];
    dispatcher.took(id, true, now);
    assert_eq!(dispatcher.behind(), 1);
    now.monotonic += Duration::from_secs(29);
    dispatcher.took(id, true, now);
    assert_eq!(dispatcher.sweep(view, now), []);
    now.monotonic += Duration::from_secs(1);
    assert_eq!(dispatcher.sweep(view, now), [id]);
    assert_eq!(dispatcher.closing(id), Some(CloseCode::Slow));
}

#[test]
fn a_client_without_a_subscription_is_closed() {
    let mut world = World::new();
    let mut now = world.now;
    let Instance { view, dispatcher, .. } = &mut world.instances[0];
    let [silent, speaks] = [0, 1].map(|_| dispatcher.open(Opening::default(), view, now));
    now.monotonic += Duration::from_secs(9);
    assert_eq!(dispatcher.sweep(view, now), []);
    let request = Some(client_message::Message::Subscribe(v1::Subscribe::default()));
    dispatcher.received(speaks, v1::ClientMessage { request_id: 1, message: request }, view, now);
    now.monotonic += Duration::from_secs(1);
    assert_eq!(dispatcher.sweep(view, now), [silent]);
    assert_eq!((dispatcher.closing(silent), dispatcher.closing(speaks)), (Some(CloseCode::Idle), None));
}

#[test]
fn distress_does_not_wait_for_a_slow_rate() {
    let mut world = World::new();
    world.run(Step::Subscribe { client: 0, lat: 46.0, lon: 7.5, radius_km: 50.0, kinds: 0, follow: None, rate: 4 });
    world.tick(1);
    let position = Some(v1::Position { latitude_deg: 46.0, longitude_deg: 7.5, altitude_m: None });
    let alert_kind = Some(v1::AlertKind::Distress.into());
    let state = v1::AircraftState { device: 1, version: 1, position, alert_kind, ..Default::default() };
    world.log.push(Input::State(State::Aircraft(state)));
    world.run(Step::Read { instance: 0, records: 1 });
    world.run(Step::Drain { instance: 0 });
    assert!(world.instances[0].dispatcher.is_urgent());
    world.tick(1);
    assert_eq!(world.clients[0].model.objects.len(), 1);
}

/// Three clients of a region with this many aircraft: the second and the third share a snapshot.
fn with_shared_snapshot(aircraft: u32) -> World {
    let mut world = World::new();
    world.instances[0].dispatcher.take_snapshot_counts();
    for device in 1..=aircraft {
        world.run(Step::Move { device, ground: false, lat: 46.0, lon: 7.5 });
    }
    world.run(Step::Read { instance: 0, records: aircraft as usize });
    world.run(Step::Drain { instance: 0 });
    world.tick(2_000);
    for _ in 0..3 {
        world.connect(0, alps(), None);
    }
    world
}

#[test]
fn clients_share_a_snapshot_and_miss_nothing() {
    let mut world = with_shared_snapshot(9);
    // Changes between the snapshot and its last reader: one object moves, one leaves, one enters, one ends.
    world.run(Step::Move { device: 1, ground: false, lat: 46.1, lon: 7.5 });
    world.run(Step::Move { device: 2, ground: false, lat: -46.0, lon: 7.5 });
    world.run(Step::Move { device: 10, ground: false, lat: 46.0, lon: 7.5 });
    world.run(Step::Remove { device: 3, ground: false });
    world.run(Step::Read { instance: 0, records: 4 });
    world.run(Step::Drain { instance: 0 });
    for _ in 0..100 {
        world.connect(0, alps(), None);
    }
    // The first client gets a snapshot of its own; the two others before the changes share one with the hundred.
    assert_eq!(world.instances[0].dispatcher.take_snapshot_counts(), [1, 102]);
    world.deliver_all();
    assert_eq!(world.clients.last().map(|client| client.model.objects.len()), Some(8));
}

/// It may have been hidden: clients that connect after that must not receive it.
#[test]
fn a_removed_object_is_in_no_later_snapshot() {
    let mut world = with_shared_snapshot(3);
    world.run(Step::Remove { device: 3, ground: false });
    world.run(Step::Read { instance: 0, records: 1 });
    world.run(Step::Drain { instance: 0 });
    world.connect(0, alps(), None);
    let last = world.clients.len() - 1;
    // Frame by frame: the removal after the snapshot would hide what was in it.
    world.run(Step::Capacity { client: last, frames: 1 });
    let first = (0..10).find_map(|_| {
        world.tick(1);
        Some(world.clients[last].model.objects.len()).filter(|objects| *objects > 0)
    });
    assert_eq!(first, Some(2));
}

#[test]
fn a_new_follower_gets_the_removal_of_an_alert() {
    let mut world = World::new();
    let subscribe =
        |follow, lat| Step::Subscribe { client: 0, lat, lon: 7.5, radius_km: 20.0, kinds: 0, follow, rate: 1 };
    world.run(Step::Alert { device: 5, is_new: true, lat: 46.0, lon: 7.5 });
    world.run(Step::Read { instance: 0, records: 1 });
    world.run(Step::Drain { instance: 0 });
    world.tick(100);
    assert_eq!(world.clients[0].model.objects.len(), 1);
    // It moves its region while its socket is blocked; the alert ends; before it receives its new cells it begins to
    // follow the device.
    world.run(Step::Capacity { client: 0, frames: 0 });
    world.run(subscribe(None, 45.0));
    world.run(Step::EndAlert { device: 5 });
    world.run(Step::Read { instance: 0, records: 1 });
    world.run(Step::Drain { instance: 0 });
    world.tick(100);
    world.run(subscribe(Some(5), 45.0));
    world.deliver_all();
    assert_eq!(world.clients[0].model.objects, BTreeMap::new());
}
