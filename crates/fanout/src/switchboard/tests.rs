//! Whatever happens, every client ends up with exactly what a naive model says: all objects that its subscription sees.

mod model;
mod world;

use std::collections::BTreeMap;

use proptest::prelude::*;
use schemas::v1::client_message;

use super::*;
use crate::view::{Input, Kind, State};
use world::{CLIENTS, EPOCH, Instance, Step, World, alps, step};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_client_ends_up_with_exactly_what_its_subscription_sees(
        steps in prop::collection::vec(step(), 1..160)
    ) {
        let mut world = World::new();
        for step in steps {
            world.run(step);
        }
        world.settle();
    }
}

#[test]
fn a_token_of_another_epoch_gets_everything_again() {
    let mut world = World::new();
    world.run(Step::Move { device: 1, ground: false, lat: 46.0, lon: 7.5 });
    world.run(Step::Read { instance: 0, records: 1 });
    world.sit(0, alps(), Some(Positions::new(1).token("another", alps().mark())));
    world.tick(1);
    assert_eq!(world.seats[CLIENTS].model.resumed, Some(false));
    assert_eq!(world.seats[CLIENTS].model.objects.len(), 1);
}

#[test]
fn a_token_of_another_region_gets_everything_again() {
    let mut world = World::new();
    world.run(Step::Move { device: 1, ground: false, lat: 46.0, lon: 7.5 });
    world.run(Step::Read { instance: 0, records: 1 });
    let mut read = Positions::new(1);
    read.advance(Origin { partition: 0, offset: 0 });
    let fewer_kinds = alps().with_kinds([Kind::Aircraft].into_iter().collect());
    for given_for in [Subscription::empty(), fewer_kinds] {
        world.sit(0, alps(), Some(read.token(EPOCH, given_for.mark())));
        world.tick(1);
        let model = &world.seats.last().expect("it sits").model;
        assert_eq!((model.resumed, model.objects.len()), (Some(false), 1));
    }
    world.sit(0, alps(), Some(read.token(EPOCH, alps().with_follow(vec![7]).mark())));
    world.tick(1);
    assert_eq!(world.seats.last().expect("it sits").model.resumed, Some(true), "what is followed is asked for again");
}

#[test]
fn a_resume_waits_for_a_view_that_is_behind_its_token() {
    let mut world = World::new();
    let mut ahead = Positions::new(1);
    ahead.advance(Origin { partition: 0, offset: 0 });
    world.sit(0, alps(), Some(ahead.token(EPOCH, alps().mark())));
    world.tick(100);
    assert_eq!(world.seats[CLIENTS].model.resumed, None, "it waits");
    world.run(Step::Move { device: 1, ground: false, lat: 46.0, lon: 7.5 });
    world.run(Step::Read { instance: 0, records: 1 });
    world.tick(100);
    assert_eq!(world.seats[CLIENTS].model.resumed, Some(true));
}

#[test]
fn a_resume_at_a_view_that_stays_behind_its_token_begins_anew() {
    let mut world = World::new();
    let mut ahead = Positions::new(1);
    ahead.advance(Origin { partition: 0, offset: 0 });
    world.sit(0, alps(), Some(ahead.token(EPOCH, alps().mark())));
    world.tick(1_999);
    assert_eq!(world.seats[CLIENTS].model.resumed, None, "it waits");
    world.tick(1);
    assert_eq!(world.seats[CLIENTS].model.resumed, Some(false));
}

#[test]
fn a_client_that_takes_nothing_for_half_a_minute_is_closed_as_slow() {
    let mut world = World::new();
    let (id, mut now) = (world.seats[0].id, world.now);
    let Instance { view, board, .. } = &mut world.instances[0];
    board.took(id, true, now);
    assert_eq!(board.behind(), 1);
    now.monotonic += Duration::from_secs(29);
    board.took(id, true, now);
    assert_eq!(board.sweep(view, now), []);
    now.monotonic += Duration::from_secs(1);
    assert_eq!(board.sweep(view, now), [id]);
    assert_eq!(board.closing(id), Some(CloseCode::Slow));
}

#[test]
fn a_client_that_asks_for_nothing_is_closed_and_one_that_asks_late_is_not() {
    let mut world = World::new();
    let mut now = world.now;
    let Instance { view, board, .. } = &mut world.instances[0];
    let [silent, speaks] = [0, 1].map(|_| board.open(Opening::default(), view, now));
    now.monotonic += Duration::from_secs(9);
    assert_eq!(board.sweep(view, now), []);
    let wish = Some(client_message::Message::Subscribe(v1::Subscribe::default()));
    board.received(speaks, v1::ClientMessage { request_id: 1, message: wish }, view, now);
    now.monotonic += Duration::from_secs(1);
    assert_eq!(board.sweep(view, now), [silent]);
    assert_eq!((board.closing(silent), board.closing(speaks)), (Some(CloseCode::Idle), None));
}

#[test]
fn distress_does_not_wait_for_a_slow_rate() {
    let mut world = World::new();
    let seat = 0;
    world.run(Step::Subscribe { client: seat, lat: 46.0, lon: 7.5, radius_km: 50.0, kinds: 0, follow: None, rate: 4 });
    world.tick(1);
    let position = Some(v1::Position { latitude_deg: 46.0, longitude_deg: 7.5, altitude_m: None });
    let alert_kind = Some(v1::AlertKind::Distress.into());
    let state = v1::AircraftState { device: 1, version: 1, position, alert_kind, ..Default::default() };
    world.log.push(Input::State(State::Aircraft(state)));
    world.run(Step::Read { instance: 0, records: 1 });
    world.run(Step::Drain { instance: 0 });
    assert!(world.instances[0].board.is_urgent());
    world.tick(1);
    assert_eq!(world.seats[seat].model.objects.len(), 1);
}

#[test]
fn who_comes_in_a_storm_shares_a_snapshot_and_misses_nothing() {
    let mut world = World::new();
    world.instances[0].board.take_snapshot_counts();
    for device in 1..=9 {
        world.run(Step::Move { device, ground: false, lat: 46.0, lon: 7.5 });
    }
    world.run(Step::Read { instance: 0, records: 9 });
    world.run(Step::Drain { instance: 0 });
    world.tick(2_000);
    for _ in 0..3 {
        world.sit(0, alps(), None);
    }
    // What changes between the making of a snapshot and its last reader: one moves, one leaves, one comes, one ends.
    world.run(Step::Move { device: 1, ground: false, lat: 46.1, lon: 7.5 });
    world.run(Step::Move { device: 2, ground: false, lat: -46.0, lon: 7.5 });
    world.run(Step::Move { device: 10, ground: false, lat: 46.0, lon: 7.5 });
    world.run(Step::Remove { device: 3, ground: false });
    world.run(Step::Read { instance: 0, records: 4 });
    world.run(Step::Drain { instance: 0 });
    for _ in 0..100 {
        world.sit(0, alps(), None);
    }
    // The first of all is listened to while it asks alone; the last two before the changes share with the hundred.
    assert_eq!(world.instances[0].board.take_snapshot_counts(), [1, 102]);
    world.settle();
    assert_eq!(world.seats.last().map(|seat| seat.model.objects.len()), Some(8));
}

#[test]
fn an_alert_that_ended_unheard_is_ended_for_who_begins_to_follow_its_device() {
    let mut world = World::new();
    let subscribe =
        |follow, lat| Step::Subscribe { client: 0, lat, lon: 7.5, radius_km: 20.0, kinds: 0, follow, rate: 1 };
    world.run(Step::Alert { device: 5, anew: true, lat: 46.0, lon: 7.5 });
    world.run(Step::Read { instance: 0, records: 1 });
    world.run(Step::Drain { instance: 0 });
    world.tick(100);
    assert_eq!(world.seats[0].model.objects.len(), 1);
    // It looks elsewhere and the line is slow; the alert ends; before it hears of its new cells it begins to follow.
    world.run(Step::Line { client: 0, frames: 0 });
    world.run(subscribe(None, 45.0));
    world.run(Step::EndAlert { device: 5 });
    world.run(Step::Read { instance: 0, records: 1 });
    world.run(Step::Drain { instance: 0 });
    world.tick(100);
    world.run(subscribe(Some(5), 45.0));
    world.settle();
    assert_eq!(world.seats[0].model.objects, BTreeMap::new());
}
